#!lua flags=allow-oom
-- now: the time of the installation, for all its processes.
--
-- KEYS  1 clock
-- ARGV  none
-- Answer  epoch ms
--
-- Guarantee: never less than any earlier answer, and never frozen: when the server's clock is set back (or a host with a
-- slower clock takes over), time goes on from where it was last read.
local server = redis.call('TIME')
local server_ms = tonumber(server[1]) * 1000 + math.floor(tonumber(server[2]) / 1000)
local ahead, last = unpack(redis.call('HMGET', KEYS[1], 'ahead', 'last'))
ahead = math.max(tonumber(ahead or '0'), tonumber(last or '0') - server_ms)
redis.call('HSET', KEYS[1], 'ahead', ahead, 'last', server_ms + ahead)
return server_ms + ahead
