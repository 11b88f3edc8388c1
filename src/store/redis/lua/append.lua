-- append: takes whole frames in order, all or none, and seals each batch that reaches the stream's size.
--
-- KEYS  1 stream  2 writers  3 due  4 budget
-- ARGV  1 now (ms)  2 bytes that all streams may hold  3 bytes that this stream may hold  4 prefix of the stream's keys
--       5 the stream's member in due  6 records at which any batch is sealed  7 epoch  8 sequence
--       then for each frame: 16 random hexadecimal digits, records, raw bytes, oldest arrival (ms), the packed frame
--       (no frame: throttled, unless this id was answered before)
-- Answer  {'appended', first append sequence, batches sealed} | {'throttled', 0, 0} | {'refused', 0, 0}
--
-- Guarantee: an append id is answered once; the same id again gets the first answer and changes nothing, also after a
-- seal. An id below the writer's last is an error. Nothing is taken unless everything is. Without flags on purpose:
-- Redis refuses it at its memory limit before its first write.
-- include: seal
-- include: take

-- A writer is one life of a process; those that have been silent for a day are forgotten once there are many.
local WRITERS_KEPT = 1000
local WRITER_KEPT_MS = 86400000

local writers_key, epoch, sequence = KEYS[2], ARGV[7], tonumber(ARGV[8])

local stream = read_stream()
if not stream then
  -- A replica that has lost its data may not say so: a write that changes nothing makes it answer READONLY.
  redis.call('DEL', KEYS[1])
  return { 'refused', 0, 0 }
end

local known = redis.call('HGET', writers_key, epoch)
if known then
  local last, kind, first, sealed = string.match(known, '^(%d+) (%a+) (%d+) (%d+)')
  if tonumber(last) == sequence then return { kind, tonumber(first), tonumber(sealed) } end
  if tonumber(last) > sequence then
    return redis.error_reply('HYDRANT append sequence ' .. ARGV[8] .. ' of ' .. epoch .. ' is below ' .. last)
  end
elseif redis.call('HLEN', writers_key) >= WRITERS_KEPT then
  local writers = redis.call('HGETALL', writers_key)
  for i = 1, #writers, 2 do
    if tonumber(string.match(writers[i + 1], '(%d+)$')) < stream.now - WRITER_KEPT_MS then
      redis.call('HDEL', writers_key, writers[i])
    end
  end
end

local function answer(kind, first, sealed)
  redis.call('HSET', writers_key, epoch,
    string.format('%.0f %s %.0f %.0f %.0f', sequence, kind, first, sealed, stream.now))
  return { kind, first, sealed }
end

if stream.status ~= 'ACTIVE' then return answer('refused', 0, 0) end
local first, sealed = take_frames(stream, 9)
if not first then return answer('throttled', 0, 0) end
return answer('appended', first, sealed)
