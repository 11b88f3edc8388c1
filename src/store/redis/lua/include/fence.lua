-- Why a shard must not be changed as its reader asks: {'fenced'}, {'gap', the stored checkpoint}; nil when it may be.
-- The lease must be the holder's, under this counter, and run; the checkpoint must be the text that the caller knows.
-- The one who ended the shard and asks again is told its end, though the lease was freed with it.
local function out_of_place(shard, holder, counter, after, now)
  local its_holder, its_counter, expires, checkpoint =
    unpack(redis.call('HMGET', shard, 'holder', 'counter', 'expires', 'checkpoint'))
  if its_holder ~= holder or its_counter ~= counter then return { 'fenced' } end
  if checkpoint ~= 'SHARD_END' and tonumber(expires) <= now then return { 'fenced' } end
  if checkpoint ~= after then return { 'gap', checkpoint } end
  return nil
end
