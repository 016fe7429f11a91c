-- KEYS: the call, the session. ARGV[2] is the value that the session must still have,
-- ARGV[3] its new one, which is listed and expires as before, and ARGV[4] what to
-- publish.
local again = replayed()
if again then return again end
if redis.call('GET', KEYS[2]) ~= ARGV[2] then return {'changed'} end
redis.call('SET', KEYS[2], ARGV[3], 'KEEPTTL') -- refused when memory is full
tell(ARGV[4])
remember('ok', {})
return {'ok'}
