#!lua flags=allow-oom
-- shards-release: gives the lease of a shard up.
--
-- KEYS  1 shard
-- ARGV  1 holder  2 fencing counter
-- Answer  1 when it was held under this counter, else 0
--
-- Guarantee: only the holder gives it up; the counter stays.
local holder, counter = unpack(redis.call('HMGET', KEYS[1], 'holder', 'counter'))
if holder ~= ARGV[1] or counter ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'holder', '', 'expires', 0)
return 1
