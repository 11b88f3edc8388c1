#!lua flags=allow-oom
-- replace: writes a changed definition over the one that the caller has read. Removing a stream begins with it, so it
-- works at the memory limit.
--
-- KEYS  1 registry  2 stream  3 due
-- ARGV  1 name  2 definition as read (JSON)  3 new definition (JSON)  4 a name for this call  5 status  6 version
--       7 size (bytes)  8 interval (ms)  9 the stream's member in due
-- Answer  1 when it was written, 0 when another definition is there now
--
-- Guarantee: nobody's change is lost, and of several that were made to one definition one is written, even of the same.
-- The same call sent twice gets the same answer, unless another change has come between: then 0, though it was written.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return redis.call('HGET', KEYS[2], 'replacement') == ARGV[4] and 1 or 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('HSET', KEYS[2], 'replacement', ARGV[4], 'status', ARGV[5], 'version', ARGV[6], 'sizeBytes', ARGV[7],
  'intervalMs', ARGV[8])
local open_id, opened = unpack(redis.call('HMGET', KEYS[2], 'openId', 'openedAt'))
if open_id ~= '' then redis.call('ZADD', KEYS[3], tonumber(opened) + tonumber(ARGV[8]), ARGV[9]) end
return 1
