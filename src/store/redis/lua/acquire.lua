#!lua flags=allow-oom
-- acquire: takes or renews a lease.
--
-- KEYS  1 lease
-- ARGV  1 now (ms)  2 holder  3 ms until it expires
-- Answer  the fencing counter, or 0 while another holds it
--
-- Guarantee: one holder at a time by the store's clock, which never runs backwards here. The counter grows with each
-- change of holder and never goes back, so the key is never deleted. The same call sent twice gets the same answer.
local holder, counter, expires, stored_now = unpack(redis.call('HMGET', KEYS[1], 'holder', 'counter', 'expires', 'now'))
local now = math.max(tonumber(ARGV[1]), tonumber(stored_now or '0'))
if holder and holder ~= '' and holder ~= ARGV[2] and tonumber(expires) > now then return 0 end
counter = tonumber(counter or '0')
if holder ~= ARGV[2] then counter = counter + 1 end
redis.call('HSET', KEYS[1], 'holder', ARGV[2], 'counter', counter, 'expires', now + tonumber(ARGV[3]), 'now', now)
return counter
