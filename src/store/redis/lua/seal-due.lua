#!lua flags=allow-oom
-- seal-due: seals the stream's open batch if it is old enough.
--
-- KEYS  1 stream  2 sealed  3 due
-- ARGV  1 now (ms)  2 prefix of the stream's keys  3 the stream's member in due  4 a name for this call
-- Answer  {'sealed', batch id} | {'waiting', ms until it is due} | {'empty'}
--
-- Guarantee: a batch is sealed once. The same call sent twice gets the same answer. An interval of 0 seals when no
-- sealed batch of the stream waits for its delivery, and after one second at the latest.
-- include: seal

local values = redis.call('HMGET', KEYS[1], 'now', 'intervalMs', 'openId', 'openRecords', 'openBytes', 'openStored',
  'openFrames', 'openFirst', 'openOldest', 'openedAt', 'appends', 'sealCall', 'sealCallBatch')
if values[12] == ARGV[4] then return { 'sealed', values[13] } end
local id = values[3]
if not id or id == '' then
  redis.call('ZREM', KEYS[3], ARGV[3])
  return { 'empty' }
end

local now = math.max(tonumber(ARGV[1]), tonumber(values[1]))
local interval = tonumber(values[2])
if interval == 0 and redis.call('ZCARD', KEYS[2]) > 0 then interval = 1000 end
local due = tonumber(values[10]) + interval
if due > now then
  redis.call('ZADD', KEYS[3], due, ARGV[3])
  return { 'waiting', due - now }
end

seal_batch(ARGV[2], { id = id, records = values[4], bytes = values[5], stored = values[6], frames = values[7],
  first = values[8], oldest = values[9], opened = values[10], last = values[11] }, 'interval', now)
redis.call('HSET', KEYS[1], 'now', now, 'openId', '', 'sealCall', ARGV[4], 'sealCallBatch', id)
redis.call('ZREM', KEYS[3], ARGV[3])
return { 'sealed', id }
