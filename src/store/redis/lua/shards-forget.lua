#!lua flags=allow-oom
-- shards-forget: removes shards that are never read again.
--
-- KEYS  1 shards
-- ARGV  1 prefix of the stream's keys  then the keys of the shards
-- Answer  how many there were
--
-- Guarantee: a shard is listed as long as it is kept. Whoever holds it is fenced from then on.
local removed = 0
for i = 2, #ARGV do
  redis.call('UNLINK', ARGV[1] .. 'shard:' .. ARGV[i])
  removed = removed + redis.call('ZREM', KEYS[1], ARGV[i])
end
return removed
