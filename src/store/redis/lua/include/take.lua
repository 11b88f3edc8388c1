-- Takes whole frames into a stream's open batch, all or none, and seals each batch that reaches the stream's size. Needs
-- seal. The scripts of both kinds of append include it, and begin alike:
--
-- KEYS  1 stream  3 due  4 budget
-- ARGV  1 now (ms)  2 bytes that all streams may hold  3 bytes that this stream may hold  4 prefix of the stream's keys
--       5 the stream's member in due  6 records at which any batch is sealed
--       and at the end, for each frame: 16 random hexadecimal digits, records, raw bytes, oldest arrival (ms), the packed
--       frame
local STREAM_FIELDS = { 'status', 'now', 'sizeBytes', 'intervalMs', 'appends', 'batches', 'storedBytes', 'accepted',
  'acceptedBytes', 'pending', 'pendingBytes', 'openId', 'openRecords', 'openBytes', 'openStored', 'openFrames',
  'openFirst', 'openOldest', 'openedAt' }

-- The stream as it is, at a time that never runs backwards; nil when it is gone.
local function read_stream()
  local values = redis.call('HMGET', KEYS[1], unpack(STREAM_FIELDS))
  if not values[1] then return nil end
  local stream = {}
  for i, field in ipairs(STREAM_FIELDS) do stream[field] = values[i] end
  stream.now = math.max(tonumber(ARGV[1]), tonumber(stream.now))
  return stream
end

-- from: where the frames begin in ARGV. Answers the first append sequence and how many batches were sealed; nil, having
-- changed nothing, when the frames do not fit or there are none.
local function take_frames(stream, from)
  local base, now = ARGV[4], stream.now
  local stored = 0
  for i = from + 4, #ARGV, 5 do stored = stored + #ARGV[i] end
  local held = tonumber(stream.storedBytes)
  local held_by_all = tonumber(redis.call('GET', KEYS[4]) or '0')
  if stored == 0 or held_by_all + stored > tonumber(ARGV[2]) or held + stored > tonumber(ARGV[3]) then return nil end

  local size, interval, records_max = tonumber(stream.sizeBytes), tonumber(stream.intervalMs), tonumber(ARGV[6])
  local appends, batches = tonumber(stream.appends), tonumber(stream.batches)
  local first, sealed, records_taken, bytes_taken = appends + 1, 0, 0, 0
  local open, opened_here = nil, false
  if stream.openId and stream.openId ~= '' then
    open = { id = stream.openId, records = tonumber(stream.openRecords), bytes = tonumber(stream.openBytes),
      stored = tonumber(stream.openStored), frames = tonumber(stream.openFrames), first = stream.openFirst,
      oldest = stream.openOldest, opened = stream.openedAt }
  end

  for i = from, #ARGV, 5 do
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
    redis.call('HSET', KEYS[1], 'openId', open.id, 'openRecords', open.records, 'openBytes', open.bytes,
      'openStored', open.stored, 'openFrames', open.frames, 'openFirst', open.first, 'openOldest', open.oldest,
      'openedAt', open.opened)
    if opened_here then
      if interval == 0 and redis.call('ZCARD', base .. 'sealed') > 0 then interval = 1000 end
      redis.call('ZADD', KEYS[3], now + interval, ARGV[5])
    end
  else
    redis.call('HSET', KEYS[1], 'openId', '')
    redis.call('ZREM', KEYS[3], ARGV[5])
  end
  redis.call('HSET', KEYS[1], 'now', now, 'appends', appends, 'batches', batches, 'storedBytes', held + stored,
    'accepted', tonumber(stream.accepted) + records_taken, 'acceptedBytes', tonumber(stream.acceptedBytes) + bytes_taken,
    'pending', tonumber(stream.pending) + records_taken, 'pendingBytes', tonumber(stream.pendingBytes) + bytes_taken)
  redis.call('INCRBY', KEYS[4], stored)
  return first, sealed
end
