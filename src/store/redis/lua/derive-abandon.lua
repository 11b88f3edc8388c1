#!lua flags=allow-oom
-- derive-abandon: removes what was taken of a derivation that will not become whole.
--
-- KEYS  1 batch  2 stream  3 budget  4 derived frames  5 their sizes
-- ARGV  1 its id
-- Answer  1 when something was removed, else 0
--
-- Guarantee: nothing of another derivation, and nothing of one that is whole.
-- include: leave
if redis.call('HGET', KEYS[1], 'deriving') ~= ARGV[1] then return 0 end
leave_derivation(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
return 1
