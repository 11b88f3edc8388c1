#!lua flags=allow-oom
-- shards-register: adds the shards of a stream that are not known.
--
-- KEYS  1 stream
-- ARGV  1 now (ms)  2 prefix of the stream's keys
--       then for each shard: key, parents (JSON), hash range (JSON), checkpoint
-- Answer  1, or 0 when the stream is gone
--
-- Guarantee: all in one step; a known shard stays as it is. Nothing is added to a stream that is being removed.
-- include: register

local status, stream_now = unpack(redis.call('HMGET', KEYS[1], 'status', 'now'))
if not status or status == 'DELETING' then return 0 end
local now = math.max(tonumber(ARGV[1]), tonumber(stream_now))
register_shards(ARGV[2], 3, now)
redis.call('HSET', KEYS[1], 'now', now)
return 1
