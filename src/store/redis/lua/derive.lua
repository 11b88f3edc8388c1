#!lua flags=allow-oom
-- derive: takes some frames of what a transform made of a batch. The last of them make it whole: it is kept for good.
--
-- KEYS  1 batch  2 stream  3 budget  4 derived frames  5 their sizes
-- ARGV  1 id: the number drawn, a dash and a random name  2 frames taken before  3 'last' or 'more'  then the packed frames
-- Answer  'taken' | 'kept' | 'overtaken' | 'gone' | 'quarantined' | 'unplanned'
--
-- Guarantee: the first frames of a derivation remove what an earlier one has left, and from then on the earlier one is
-- overtaken. The first whole one stays. The same call sent twice is taken once and answered alike. Not refused for want
-- of memory or budget: the batch is not delivered without it, and only a delivery frees memory.
-- include: derivable
-- include: leave

local refusal = not_derivable(KEYS[1], KEYS[2])
if refusal then return refusal end
local before, count = tonumber(ARGV[2]), #ARGV - 3
local deriving, frames = unpack(redis.call('HMGET', KEYS[1], 'deriving', 'derivedFrames'))
if deriving == ARGV[1] then
  if tonumber(frames) == before + count then return 'taken' end
  if tonumber(frames) ~= before then return 'overtaken' end
else
  local running = deriving and tonumber(string.match(deriving, '^%d+')) or 0
  if before > 0 or running > tonumber(string.match(ARGV[1], '^%d+')) then return 'overtaken' end
  leave_derivation(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
  redis.call('HSET', KEYS[1], 'deriving', ARGV[1], 'derivedFrames', 0, 'derivedStored', 0)
end

local stored = 0
for i = 4, #ARGV do
  redis.call('RPUSH', KEYS[4], ARGV[i])
  redis.call('APPEND', KEYS[5], struct.pack('<I4', #ARGV[i]))
  stored = stored + #ARGV[i]
end
redis.call('HSET', KEYS[1], 'derivedFrames', before + count)
redis.call('HINCRBY', KEYS[1], 'derivedStored', stored)
redis.call('HINCRBY', KEYS[1], 'stored', stored)
redis.call('HINCRBY', KEYS[2], 'storedBytes', stored)
redis.call('INCRBY', KEYS[3], stored)
if ARGV[3] == 'more' then return 'taken' end
redis.call('HSET', KEYS[1], 'derived', 1)
redis.call('HDEL', KEYS[1], 'deriving')
return 'kept'
