#!lua flags=allow-oom
-- discard: ends a delivered batch: frees its frames, books the outcome, writes the journal.
--
-- KEYS  1 batch  2 stream  3 sealed  4 due  5 budget  6 journal  7 journal by time  8 journal by append
-- ARGV  1 now (ms)  2 a name for this call  3 batch id  4 prefix of the stream's keys  5 the stream's member in due
--       6 delivered  7 failed  8 dropped  9 rows  10 outcome (JSON)  11 bytes the journal may hold  12 ms it is kept
-- Answer  1 when this call ended the batch, 0 when it was gone
--
-- Guarantee: all in one step, once; the ledger balances before and after. The same call sent twice gets the same
-- answer. Refused unless delivered + failed + dropped is the number of the batch's records and its plan is pinned.
-- include: free

local state, records, bytes, stored, first, last, oldest, sealed_at =
  unpack(redis.call('HMGET', KEYS[1], 'state', 'records', 'bytes', 'stored', 'first', 'last', 'oldest', 'sealed'))
if not state then
  local entry = redis.call('HGET', KEYS[6], ARGV[3])
  if entry and string.match(entry, '^%S+ %S+ %S+ %S+ %S+ %S+ %S+ (%S+)') == ARGV[2] then return 1 end
  return 0
end
if state ~= 'planned' then return redis.error_reply('HYDRANT discard ' .. ARGV[3] .. ': the batch is ' .. state) end
if tonumber(ARGV[6]) + tonumber(ARGV[7]) + tonumber(ARGV[8]) ~= tonumber(records) then
  return redis.error_reply('HYDRANT discard ' .. ARGV[3] .. ': ' .. ARGV[6] .. ' delivered, ' .. ARGV[7] .. ' failed and '
    .. ARGV[8] .. ' dropped are not its ' .. records .. ' records')
end

local stream_now, interval, open_id, journaled =
  unpack(redis.call('HMGET', KEYS[2], 'now', 'intervalMs', 'openId', 'journaled'))
local now = math.max(tonumber(ARGV[1]), tonumber(stream_now))
free_batch(ARGV[4], KEYS[2], KEYS[5], ARGV[3], records, bytes, stored)
redis.call('ZREM', KEYS[3], ARGV[3])
redis.call('HINCRBY', KEYS[2], 'delivered', ARGV[6])
redis.call('HINCRBY', KEYS[2], 'failed', ARGV[7])
redis.call('HINCRBY', KEYS[2], 'dropped', ARGV[8])
redis.call('HINCRBY', KEYS[2], 'rows', ARGV[9])
if tonumber(interval) == 0 and open_id ~= '' and redis.call('ZCARD', KEYS[3]) == 0 then
  redis.call('ZADD', KEYS[4], now, ARGV[5])
end

journaled = tonumber(journaled) + 1
local entry = table.concat({ first, last, records, bytes, oldest, sealed_at, string.format('%.0f', now), ARGV[2],
  ARGV[10] }, ' ')
redis.call('HSET', KEYS[6], ARGV[3], entry)
redis.call('ZADD', KEYS[7], journaled, ARGV[3])
redis.call('ZADD', KEYS[8], last, ARGV[3])
local held = redis.call('HINCRBY', KEYS[2], 'journalBytes', #entry)
for _ = 1, 100 do
  local id = redis.call('ZRANGE', KEYS[7], 0, 0)[1]
  local old = redis.call('HGET', KEYS[6], id)
  local written = tonumber(string.match(old, '^%S+ %S+ %S+ %S+ %S+ %S+ (%S+)'))
  if id == ARGV[3] or (held <= tonumber(ARGV[11]) and written >= now - tonumber(ARGV[12])) then break end
  redis.call('HDEL', KEYS[6], id)
  redis.call('ZREM', KEYS[7], id)
  redis.call('ZREM', KEYS[8], id)
  held = redis.call('HINCRBY', KEYS[2], 'journalBytes', -#old)
end
redis.call('PEXPIRE', KEYS[6], ARGV[12])
redis.call('PEXPIRE', KEYS[7], ARGV[12])
redis.call('PEXPIRE', KEYS[8], ARGV[12])
redis.call('HSET', KEYS[2], 'now', now, 'journaled', journaled)
return 1
