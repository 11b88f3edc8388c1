#!lua flags=allow-oom
-- shards-renew: prolongs leases of a stream's shards.
--
-- KEYS  1 stream
-- ARGV  1 now (ms)  2 prefix of the stream's keys  3 holder  4 ms until they expire
--       then for each shard: key, fencing counter, ms behind the tip ('' when not known)
-- Answer  keys of the shards that are still held
--
-- Guarantee: a lease that has run out, or is another's, is not prolonged.
local stream_now = redis.call('HGET', KEYS[1], 'now')
if not stream_now then return {} end
local now = math.max(tonumber(ARGV[1]), tonumber(stream_now))
local held = {}
for i = 5, #ARGV, 3 do
  local shard = ARGV[2] .. 'shard:' .. ARGV[i]
  local holder, counter, expires = unpack(redis.call('HMGET', shard, 'holder', 'counter', 'expires'))
  if holder == ARGV[3] and counter == ARGV[i + 1] and tonumber(expires) > now then
    redis.call('HSET', shard, 'expires', now + tonumber(ARGV[4]))
    if ARGV[i + 2] ~= '' then redis.call('HSET', shard, 'behind', ARGV[i + 2]) end
    held[#held + 1] = ARGV[i]
  end
end
redis.call('HSET', KEYS[1], 'now', now)
return held
