#!lua flags=allow-oom
-- drop: drops a slice of the batches of a stream that is being deleted, booked as dropped, and of its shards.
--
-- KEYS  1 stream  2 sealed  3 quarantined  4 due  5 budget  6 shards
-- ARGV  1 prefix of the stream's keys  2 the stream's member in due  3 batches, and shards, in this slice
-- Answer  batches and shards that are left, or -1 when the stream is gone
--
-- Guarantee: each record is booked as dropped once, in the step that frees it. Goes on where an earlier call stopped.
-- include: free

local status, open_id, records, bytes, stored =
  unpack(redis.call('HMGET', KEYS[1], 'status', 'openId', 'openRecords', 'openBytes', 'openStored'))
if not status then return -1 end
if status ~= 'DELETING' then return redis.error_reply('HYDRANT drop: the stream is ' .. status) end

local function drop_batch(id, its_records, its_bytes, its_stored)
  free_batch(ARGV[1], KEYS[1], KEYS[5], id, its_records, its_bytes, its_stored)
  redis.call('HINCRBY', KEYS[1], 'dropped', its_records)
end

if open_id ~= '' then
  drop_batch(open_id, records, bytes, stored)
  redis.call('HSET', KEYS[1], 'openId', '')
end
redis.call('ZREM', KEYS[4], ARGV[2])
for _, key in ipairs({ KEYS[2], KEYS[3] }) do
  for _, id in ipairs(redis.call('ZRANGE', key, 0, tonumber(ARGV[3]) - 1)) do
    local batch = redis.call('HMGET', ARGV[1] .. 'batch:' .. id, 'records', 'bytes', 'stored')
    drop_batch(id, batch[1], batch[2], batch[3])
    redis.call('ZREM', key, id)
  end
end
for _, key in ipairs(redis.call('ZRANGE', KEYS[6], 0, tonumber(ARGV[3]) - 1)) do
  redis.call('UNLINK', ARGV[1] .. 'shard:' .. key)
  redis.call('ZREM', KEYS[6], key)
end
return redis.call('ZCARD', KEYS[2]) + redis.call('ZCARD', KEYS[3]) + redis.call('ZCARD', KEYS[6])
