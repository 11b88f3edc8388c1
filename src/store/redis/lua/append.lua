-- append: takes whole frames in order, all or none, and seals each batch that reaches the stream's size.
--
-- KEYS  1 stream  2 writers  3 due  4 budget
-- ARGV  1 now (ms)  2 epoch  3 sequence  4 bytes that all streams may hold  5 bytes that this stream may hold
--       6 prefix of the stream's keys  7 the stream's member in due  8 records at which any batch is sealed
--       then for each frame: 16 random hexadecimal digits, records, raw bytes, oldest arrival (ms), the packed frame
--       (no frame: throttled, unless this id was answered before)
-- Answer  {'appended', first append sequence, batches sealed} | {'throttled', 0, 0} | {'refused', 0, 0}
--
-- Guarantee: an append id is answered once; the same id again gets the first answer and changes nothing, also after a
-- seal. An id below the writer's last is an error. Nothing is taken unless everything is. Without flags on purpose:
-- Redis refuses it at its memory limit before its first write.
-- include: seal

local FIELDS = { 'status', 'now', 'sizeBytes', 'intervalMs', 'appends', 'batches', 'storedBytes', 'accepted',
  'acceptedBytes', 'pending', 'pendingBytes', 'openId', 'openRecords', 'openBytes', 'openStored', 'openFrames',
  'openFirst', 'openOldest', 'openedAt' }
-- A writer is one life of a process; those that have been silent for a day are forgotten once there are many.
local WRITERS_KEPT = 1000
local WRITER_KEPT_MS = 86400000

local stream_key, writers_key, due_key, budget_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local epoch, sequence, base = ARGV[2], tonumber(ARGV[3]), ARGV[6]

local values = redis.call('HMGET', stream_key, unpack(FIELDS))
if not values[1] then
  -- A replica that has lost its data may not say so: a write that changes nothing makes it answer READONLY.
  redis.call('DEL', stream_key)
  return { 'refused', 0, 0 }
end
local stream = {}
for i, field in ipairs(FIELDS) do stream[field] = values[i] end
local now = math.max(tonumber(ARGV[1]), tonumber(stream.now))

local known = redis.call('HGET', writers_key, epoch)
if known then
  local last, kind, first, sealed = string.match(known, '^(%d+) (%a+) (%d+) (%d+)')
  if tonumber(last) == sequence then return { kind, tonumber(first), tonumber(sealed) } end
  if tonumber(last) > sequence then
    return redis.error_reply('HYDRANT append sequence ' .. ARGV[3] .. ' of ' .. epoch .. ' is below ' .. last)
  end
elseif redis.call('HLEN', writers_key) >= WRITERS_KEPT then
  local writers = redis.call('HGETALL', writers_key)
  for i = 1, #writers, 2 do
    if tonumber(string.match(writers[i + 1], '(%d+)$')) < now - WRITER_KEPT_MS then
      redis.call('HDEL', writers_key, writers[i])
    end
  end
end

local function answer(kind, first, sealed)
  redis.call('HSET', writers_key, epoch,
    string.format('%.0f %s %.0f %.0f %.0f', sequence, kind, first, sealed, now))
  return { kind, first, sealed }
end

if stream.status ~= 'ACTIVE' then return answer('refused', 0, 0) end

local stored = 0
for i = 13, #ARGV, 5 do stored = stored + #ARGV[i] end
local held = tonumber(stream.storedBytes)
local held_by_all = tonumber(redis.call('GET', budget_key) or '0')
if stored == 0 or held_by_all + stored > tonumber(ARGV[4]) or held + stored > tonumber(ARGV[5]) then
  return answer('throttled', 0, 0)
end

local size, records_max = tonumber(stream.sizeBytes), tonumber(ARGV[8])
local appends, batches = tonumber(stream.appends), tonumber(stream.batches)
local first, sealed, records_taken, bytes_taken = appends + 1, 0, 0, 0
local open, opened_here = nil, false
if stream.openId and stream.openId ~= '' then
  open = { id = stream.openId, records = tonumber(stream.openRecords), bytes = tonumber(stream.openBytes),
    stored = tonumber(stream.openStored), frames = tonumber(stream.openFrames), first = stream.openFirst,
    oldest = stream.openOldest, opened = stream.openedAt }
end

for i = 9, #ARGV, 5 do
  local records, bytes, arrival, frame = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), ARGV[i + 3], ARGV[i + 4]
  appends = appends + 1
  if not open then
    batches = batches + 1
    opened_here = true
    open = { id = string.format('%.0f-%s', batches, ARGV[i]), records = 0, bytes = 0, stored = 0, frames = 0,
      first = appends, oldest = arrival, opened = now }
  end
  redis.call('RPUSH', base .. 'frames:' .. open.id, frame)
  redis.call('APPEND', base .. 'sizes:' .. open.id, struct.pack('<I4', #frame))
  open.records = open.records + records
  open.bytes = open.bytes + bytes
  open.stored = open.stored + #frame
  open.frames = open.frames + 1
  open.last = appends
  if tonumber(arrival) < tonumber(open.oldest) then open.oldest = arrival end
  records_taken = records_taken + records
  bytes_taken = bytes_taken + bytes
  if open.bytes >= size or open.records >= records_max then
    seal_batch(base, open, 'size', now)
    sealed = sealed + 1
    open = nil
  end
end

if open then
  redis.call('HSET', stream_key, 'openId', open.id, 'openRecords', open.records, 'openBytes', open.bytes,
    'openStored', open.stored, 'openFrames', open.frames, 'openFirst', open.first, 'openOldest', open.oldest,
    'openedAt', open.opened)
  if opened_here then
    local interval = tonumber(stream.intervalMs)
    if interval == 0 and redis.call('ZCARD', base .. 'sealed') > 0 then interval = 1000 end
    redis.call('ZADD', due_key, now + interval, ARGV[7])
  end
else
  redis.call('HSET', stream_key, 'openId', '')
  redis.call('ZREM', due_key, ARGV[7])
end
redis.call('HSET', stream_key, 'now', now, 'appends', appends, 'batches', batches, 'storedBytes', held + stored,
  'accepted', tonumber(stream.accepted) + records_taken, 'acceptedBytes', tonumber(stream.acceptedBytes) + bytes_taken,
  'pending', tonumber(stream.pending) + records_taken, 'pendingBytes', tonumber(stream.pendingBytes) + bytes_taken)
redis.call('INCRBY', budget_key, stored)
return answer('appended', first, sealed)
