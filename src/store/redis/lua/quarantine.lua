#!lua flags=allow-oom
-- quarantine: sets a batch aside: kept and counted as pending, but no longer to be delivered.
--
-- KEYS  1 batch  2 stream  3 sealed  4 quarantined  5 due  6 budget  7 derived frames  8 their sizes
-- ARGV  1 now (ms)  2 batch id  3 reason  4 the stream's member in due
-- Answer  1 when the batch is quarantined, 0 when it is gone
--
-- Guarantee: once; the first reason stays. What was derived stays if it is whole, and is removed if it is not.
-- include: leave
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return 0 end
if state == 'quarantined' then return 1 end
leave_derivation(KEYS[1], KEYS[2], KEYS[6], KEYS[7], KEYS[8])
redis.call('HSET', KEYS[1], 'state', 'quarantined', 'reason', ARGV[3], 'attempt', '')
redis.call('ZREM', KEYS[3], ARGV[2])
redis.call('ZADD', KEYS[4], string.match(ARGV[2], '^%d+'), ARGV[2])
local interval, open_id = unpack(redis.call('HMGET', KEYS[2], 'intervalMs', 'openId'))
if interval == '0' and open_id ~= '' and redis.call('ZCARD', KEYS[3]) == 0 then
  redis.call('ZADD', KEYS[5], ARGV[1], ARGV[4])
end
return 1
