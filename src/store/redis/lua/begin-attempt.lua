#!lua flags=allow-oom
-- begin-attempt: counts an attempt before it starts.
--
-- KEYS  1 batch  2 stream
-- ARGV  1 the attempt's name
-- Answer  the batch's description as fields and values; empty when there is nothing to deliver
--
-- Guarantee: an attempt that was begun and never ended counts as a death when the next begins. The same attempt begun
-- twice counts once.
local state, attempt = unpack(redis.call('HMGET', KEYS[1], 'state', 'attempt'))
if not state or state == 'quarantined' then return {} end
if redis.call('HGET', KEYS[2], 'status') == 'DELETING' then return {} end
if attempt ~= ARGV[1] then
  if attempt ~= '' then redis.call('HINCRBY', KEYS[1], 'deaths', 1) end
  redis.call('HINCRBY', KEYS[1], 'attempts', 1)
  redis.call('HSET', KEYS[1], 'attempt', ARGV[1])
end
return redis.call('HGETALL', KEYS[1])
