#!lua flags=allow-oom
-- release-batch: puts a quarantined batch back among those that are to be delivered.
--
-- KEYS  1 batch  2 sealed  3 quarantined
-- ARGV  1 batch id  2 a name for this call
-- Answer  1 when this call released the batch, 0 when it is gone or not quarantined
--
-- Guarantee: once. The same call sent twice gets the same answer while the batch is there. Attempts and plan stay;
-- deaths start again at 0.
local state, plan, released = unpack(redis.call('HMGET', KEYS[1], 'state', 'plan', 'released'))
if state and released == ARGV[2] then return 1 end
if state ~= 'quarantined' then return 0 end
redis.call('HSET', KEYS[1], 'state', plan and 'planned' or 'sealed', 'deaths', 0, 'released', ARGV[2])
redis.call('HDEL', KEYS[1], 'reason')
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZADD', KEYS[2], string.match(ARGV[1], '^%d+'), ARGV[1])
return 1
