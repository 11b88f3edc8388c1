#!lua flags=allow-oom
-- shards-acquire: takes the lease of a shard that nobody holds.
--
-- KEYS  1 stream  2 shard
-- ARGV  1 now (ms)  2 holder  3 ms until it expires
-- Answer  {fencing counter, checkpoint}; empty when another holds it, the shard has ended, or it or its stream is gone
--
-- Guarantee: one holder at a time by the store's clock, which never runs backwards here. Each holding has a counter that
-- the shard never had before: one more than the last, and not below the time, so that a Redis that lost its tail and
-- counts again from an earlier state gives none a second time. The same call sent twice gets the same answer: what is
-- held already is prolonged.
local status, stream_now = unpack(redis.call('HMGET', KEYS[1], 'status', 'now'))
if not status or status == 'DELETING' then return {} end
local holder, counter, expires, checkpoint =
  unpack(redis.call('HMGET', KEYS[2], 'holder', 'counter', 'expires', 'checkpoint'))
if not checkpoint or checkpoint == 'SHARD_END' then return {} end
local now = math.max(tonumber(ARGV[1]), tonumber(stream_now))
counter = tonumber(counter)
if holder == '' or tonumber(expires) <= now then
  counter = math.max(counter + 1, now)
elseif holder ~= ARGV[2] then
  return {}
end
redis.call('HSET', KEYS[2], 'holder', ARGV[2], 'counter', counter, 'expires', now + tonumber(ARGV[3]))
redis.call('HSET', KEYS[1], 'now', now)
return { counter, checkpoint }
