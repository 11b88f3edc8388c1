#!lua flags=no-writes
-- totals: the ledger of a stream at one moment.
--
-- KEYS  1 stream  2 sealed  3 quarantined
-- ARGV  1 prefix of the stream's keys
-- Answer  empty when the stream is gone, else accepted, delivered, failed, dropped, pending, rows, accepted bytes,
--         pending bytes, sealed batches, quarantined batches, when the oldest pending batch was opened ('' when none is)
local values = redis.call('HMGET', KEYS[1], 'accepted', 'delivered', 'failed', 'dropped', 'pending', 'rows',
  'acceptedBytes', 'pendingBytes', 'openId', 'openedAt')
if not values[1] then return {} end
local oldest = values[9] ~= '' and values[10] or ''
for _, key in ipairs({ KEYS[2], KEYS[3] }) do
  local id = redis.call('ZRANGE', key, 0, 0)[1]
  if id then
    local opened = redis.call('HGET', ARGV[1] .. 'batch:' .. id, 'opened')
    if oldest == '' or tonumber(opened) < tonumber(oldest) then oldest = opened end
  end
end
return { values[1], values[2], values[3], values[4], values[5], values[6], values[7], values[8],
  tostring(redis.call('ZCARD', KEYS[2])), tostring(redis.call('ZCARD', KEYS[3])), oldest }
