-- Closes an open batch for ever: writes its description and lists it for delivery, in the order of batches.
-- base: the prefix of the stream's keys; open: what the stream's hash says of its open batch.
local function seal_batch(base, open, trigger, now)
  redis.call('HSET', base .. 'batch:' .. open.id,
    'state', 'sealed', 'trigger', trigger, 'records', open.records, 'bytes', open.bytes, 'stored', open.stored,
    'frames', open.frames, 'first', open.first, 'last', open.last, 'oldest', open.oldest, 'opened', open.opened,
    'sealed', now, 'attempts', 0, 'deaths', 0, 'attempt', '')
  redis.call('ZADD', base .. 'sealed', string.match(open.id, '^%d+'), open.id)
end
