-- Adds shards that are not known. from: where ARGV has, up to its end, for each shard its key, parents (JSON), hash range
-- (JSON) and checkpoint.
local function register_shards(base, from, now)
  for i = from, #ARGV, 4 do
    local shard = base .. 'shard:' .. ARGV[i]
    if redis.call('EXISTS', shard) == 0 then
      redis.call('HSET', shard, 'parents', ARGV[i + 1], 'range', ARGV[i + 2], 'checkpoint', ARGV[i + 3],
        'checkpointAt', now, 'children', '[]', 'counter', 0, 'holder', '', 'expires', 0)
      redis.call('ZADD', base .. 'shards', 0, ARGV[i])
    end
  end
end
