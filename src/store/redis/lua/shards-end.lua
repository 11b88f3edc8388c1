#!lua flags=allow-oom
-- shards-end: all records of a shard are in the buffer: its children are known from now on, and nobody reads it again.
--
-- KEYS  1 stream  2 shard
-- ARGV  1 now (ms)  2 prefix of the stream's keys  3 holder  4 fencing counter  5 checkpoint that the end follows
--       6 keys of the children (JSON), then for each child: key, parents (JSON), hash range (JSON), checkpoint
-- Answer  {'ended'} | {'fenced'} | {'gap', the stored checkpoint}
--
-- Guarantee: children registered, checkpoint at SHARD_END and lease freed in one step. The same call sent twice changes
-- nothing the second time and is answered a gap with SHARD_END.
-- include: register
-- include: fence

local status, stream_now = unpack(redis.call('HMGET', KEYS[1], 'status', 'now'))
if not status or status == 'DELETING' then return { 'fenced' } end
local now = math.max(tonumber(ARGV[1]), tonumber(stream_now))
local misplaced = out_of_place(KEYS[2], ARGV[3], ARGV[4], ARGV[5], now)
if misplaced then return misplaced end
register_shards(ARGV[2], 7, now)
-- Its holder stays named, so that it is known again; a lease that expires at 0 runs no more.
redis.call('HSET', KEYS[2], 'checkpoint', 'SHARD_END', 'checkpointAt', now, 'children', ARGV[6], 'expires', 0)
redis.call('HDEL', KEYS[2], 'behind')
redis.call('HSET', KEYS[1], 'now', now)
return { 'ended' }
