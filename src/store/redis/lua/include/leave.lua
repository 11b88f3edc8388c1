-- Removes what was taken of a derivation that is not whole, and takes its bytes off the batch, the stream and the common
-- budget. derived, sizes: the keys of its frames.
local function leave_derivation(batch, stream, budget, derived, sizes)
  local deriving, stored = unpack(redis.call('HMGET', batch, 'deriving', 'derivedStored'))
  if not deriving then return end
  redis.call('UNLINK', derived, sizes)
  redis.call('HDEL', batch, 'deriving', 'derivedFrames', 'derivedStored')
  redis.call('HINCRBY', batch, 'stored', 0 - tonumber(stored))
  redis.call('HINCRBY', stream, 'storedBytes', 0 - tonumber(stored))
  redis.call('DECRBY', budget, stored)
end
