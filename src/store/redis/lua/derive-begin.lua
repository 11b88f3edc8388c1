#!lua flags=allow-oom
-- derive-begin: draws the number of a derivation of a batch.
--
-- KEYS  1 batch  2 stream
-- ARGV  none
-- Answer  the number; or why nothing will be taken: 'kept' | 'gone' | 'quarantined' | 'unplanned'
--
-- Guarantee: greater than all drawn before. Sent twice it draws two, of which one is not used. It changes nothing for
-- another derivation: that is done by the first frames under the number.
-- include: derivable
return not_derivable(KEYS[1], KEYS[2]) or redis.call('HINCRBY', KEYS[1], 'derivations', 1)
