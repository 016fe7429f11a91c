-- KEYS: the call, the session. ARGV[2] is the value that the session must still have,
-- and ARGV[3] its new one, which is listed and expires as before.
local again = replayed()
if again then return again end
if redis.call('GET', KEYS[2]) ~= ARGV[2] then return {'changed'} end
redis.call('SET', KEYS[2], ARGV[3], 'KEEPTTL') -- refused when memory is full
remember('ok', {})
return {'ok'}
