#!lua flags=allow-oom
-- shards-attend: a process says that it reads shards.
--
-- KEYS  1 attendance (by expiry)
-- ARGV  1 now (ms)  2 holder  3 ms until it counts as gone
-- Answer  all holders that attend
--
-- Guarantee: none that a shard's safety rests on: it only divides the work.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
redis.call('ZADD', KEYS[1], tonumber(ARGV[1]) + tonumber(ARGV[3]), ARGV[2])
return redis.call('ZRANGE', KEYS[1], 0, -1)
