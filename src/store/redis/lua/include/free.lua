-- Frees what a batch holds, and what was derived of it, whole or not, and takes it off the stream's pending counters and the common budget.
-- records, bytes, stored: strings of digits, as the batch's description has them; the bytes of derived frames are in stored.
local function free_batch(base, stream, budget, id, records, bytes, stored)
  redis.call('UNLINK', base .. 'frames:' .. id, base .. 'sizes:' .. id, base .. 'batch:' .. id,
    base .. 'derived:' .. id, base .. 'derived-sizes:' .. id)
  redis.call('HINCRBY', stream, 'pending', 0 - tonumber(records))
  redis.call('HINCRBY', stream, 'pendingBytes', 0 - tonumber(bytes))
  redis.call('HINCRBY', stream, 'storedBytes', 0 - tonumber(stored))
  redis.call('DECRBY', budget, stored)
end
