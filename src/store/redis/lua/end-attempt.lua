#!lua flags=allow-oom
-- end-attempt: an attempt ended in good order without delivering.
--
-- KEYS  1 batch
-- ARGV  1 the attempt's name, or '' when the caller began none and ends whichever runs
-- Answer  1 if an attempt was ended, else 0
--
-- Guarantee: an attempt that another has superseded ends nothing.
local attempt = redis.call('HGET', KEYS[1], 'attempt')
if not attempt or (ARGV[1] ~= '' and attempt ~= ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'attempt', '')
return 1
