#!lua flags=allow-oom
-- shards-list: the shards of a stream at one moment.
--
-- KEYS  1 stream  2 shards
-- ARGV  1 now (ms)  2 prefix of the stream's keys
-- Answer  for each shard, in order of keys: its key, parents (JSON), hash range (JSON), checkpoint, children (JSON),
--         fencing counter, holder ('' when nobody holds it now), ms that the lease still runs, ms since the checkpoint
--         moved, ms behind the tip ('' when not told); empty when the stream is gone
--
-- Guarantee: it writes nothing, but is not flagged so: a replica refuses it, since what its copy lacks would be taken for
-- unknown.
local stream_now = redis.call('HGET', KEYS[1], 'now')
if not stream_now then return {} end
local now = math.max(tonumber(ARGV[1]), tonumber(stream_now))
local answer = {}
for i, key in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  local parents, range, checkpoint, children, counter, holder, expires, moved, behind =
    unpack(redis.call('HMGET', ARGV[2] .. 'shard:' .. key, 'parents', 'range', 'checkpoint', 'children', 'counter',
      'holder', 'expires', 'checkpointAt', 'behind'))
  local left = tonumber(expires) - now
  if holder == '' or left <= 0 then holder, left = '', 0 end
  answer[i] = { key, parents, range, checkpoint, children, tonumber(counter), holder, left,
    math.max(0, now - tonumber(moved)), behind or '' }
end
return answer
