#!lua flags=allow-oom
-- replace: writes a changed definition over the one that the caller has read. Removing a stream begins with it, so it
-- works at the memory limit.
--
-- KEYS  1 registry  2 stream  3 due
-- ARGV  1 name  2 definition as read (JSON)  3 new definition (JSON)  4 status  5 version  6 size (bytes)
--       7 interval (ms)  8 the stream's member in due
-- Answer  1 when it was written, 0 when another definition is there now
--
-- Guarantee: nobody's change is lost. The same call sent twice gets the same answer.
local stored = redis.call('HGET', KEYS[1], ARGV[1])
if stored ~= ARGV[3] then
  if stored ~= ARGV[2] then return 0 end
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
  redis.call('HSET', KEYS[2], 'status', ARGV[4], 'version', ARGV[5], 'sizeBytes', ARGV[6], 'intervalMs', ARGV[7])
  local open_id, opened = unpack(redis.call('HMGET', KEYS[2], 'openId', 'openedAt'))
  if open_id ~= '' then redis.call('ZADD', KEYS[3], tonumber(opened) + tonumber(ARGV[7]), ARGV[8]) end
end
return 1
