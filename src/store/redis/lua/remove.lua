#!lua flags=allow-oom
-- remove: the last step of deleting a stream: its name is free again. The journal stays until it expires.
--
-- KEYS  1 registry  2 stream  3 writers  4 sealed  5 quarantined
-- ARGV  1 name  2 definition (JSON)
-- Answer  1 when it was removed, 0 when it was gone
--
-- Guarantee: refused while a record is pending; removes the definition only if it is this one.
local status, pending = unpack(redis.call('HMGET', KEYS[2], 'status', 'pending'))
if not status then return 0 end
if status ~= 'DELETING' or pending ~= '0' then
  return redis.error_reply('HYDRANT remove ' .. ARGV[1] .. ': the stream is ' .. status .. ' with ' .. pending .. ' pending')
end
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end
redis.call('UNLINK', KEYS[2], KEYS[3], KEYS[4], KEYS[5])
return 1
