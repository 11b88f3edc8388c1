#!lua
-- create: a new delivery stream.
--
-- KEYS  1 registry  2 stream
-- ARGV  1 name  2 definition (JSON)  3 a name for this call  4 status  5 version  6 size (bytes)  7 interval (ms)
-- Answer  1 when it was created, 0 when a stream of that name exists
--
-- Guarantee: one of several callers creates. The same call sent twice gets the same answer.
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then
  return redis.call('HGET', KEYS[2], 'creation') == ARGV[3] and 1 or 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[2], 'creation', ARGV[3], 'status', ARGV[4], 'version', ARGV[5], 'sizeBytes', ARGV[6],
  'intervalMs', ARGV[7], 'now', 0, 'appends', 0, 'batches', 0, 'storedBytes', 0, 'openId', '', 'accepted', 0,
  'acceptedBytes', 0, 'delivered', 0, 'failed', 0, 'dropped', 0, 'pending', 0, 'pendingBytes', 0, 'rows', 0,
  'journaled', 0, 'journalBytes', 0)
return 1
