-- append-from-shard: takes whole frames of a shard's records in order, all or none, seals as append does, and moves the
-- shard's checkpoint over them.
--
-- KEYS  1 stream  2 shard  3 due  4 budget
-- ARGV  1 now (ms)  2 bytes that all streams may hold  3 bytes that this stream may hold  4 prefix of the stream's keys
--       5 the stream's member in due  6 records at which any batch is sealed  7 holder  8 fencing counter
--       9 checkpoint that the records follow  10 checkpoint after them
--       then for each frame: 16 random hexadecimal digits, records, raw bytes, oldest arrival (ms), the packed frame
--       (no frame: throttled, unless it is refused, fenced or a gap)
-- Answer  {'appended', first append sequence, batches sealed} | {'throttled'} | {'refused'} | {'fenced'} |
--         {'gap', the stored checkpoint}
--
-- Guarantee: records and checkpoint move together or not at all, by the one who holds the lease, from the checkpoint
-- that they follow. So the same call sent twice is taken once; the second is answered a gap that ends where it ended
-- itself. Without flags on purpose: Redis refuses it at its memory limit before its first write.
-- include: seal
-- include: take
-- include: fence

local function not_taken(answer)
  -- A replica that has lost its data may not say so: a write that changes nothing makes it answer READONLY.
  redis.call('HDEL', KEYS[1], '')
  return answer
end

local stream = read_stream()
if not stream or stream.status ~= 'ACTIVE' then return not_taken({ 'refused' }) end
local misplaced = out_of_place(KEYS[2], ARGV[7], ARGV[8], ARGV[9], stream.now)
if misplaced then return not_taken(misplaced) end
local first, sealed = take_frames(stream, 11)
if not first then return not_taken({ 'throttled' }) end
redis.call('HSET', KEYS[2], 'checkpoint', ARGV[10], 'checkpointAt', stream.now)
return { 'appended', first, sealed }
