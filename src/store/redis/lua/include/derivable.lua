-- Why nothing is taken of a derivation of a batch; nil when it may be.
local function not_derivable(batch, stream)
  local state, derived, plan = unpack(redis.call('HMGET', batch, 'state', 'derived', 'plan'))
  if not state or redis.call('HGET', stream, 'status') == 'DELETING' then return 'gone' end
  if derived then return 'kept' end
  if state == 'quarantined' then return 'quarantined' end
  if not plan then return 'unplanned' end
  return nil
end
