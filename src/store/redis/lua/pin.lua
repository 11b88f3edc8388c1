#!lua flags=allow-oom
-- pin: fixes the plan of a batch.
--
-- KEYS  1 batch  2 stream
-- ARGV  1 destination version that the plan was made from  2 plan (JSON)
-- Answer  {'pinned', the pinned plan} | {'stale'} | {'finished'}
--
-- Guarantee: the first plan stays; every call answers that one. A plan of another version than the stream's is never
-- the first.
local state, plan = unpack(redis.call('HMGET', KEYS[1], 'state', 'plan'))
if not state or state == 'quarantined' then return { 'finished' } end
if plan then return { 'pinned', plan } end
local status, version = unpack(redis.call('HMGET', KEYS[2], 'status', 'version'))
if status == 'DELETING' then return { 'finished' } end
if version ~= ARGV[1] then return { 'stale' } end
redis.call('HSET', KEYS[1], 'state', 'planned', 'plan', ARGV[2])
return { 'pinned', ARGV[2] }
