-- KEYS: the session, the user's index. ARGV[3] is the session's ID, then come
-- the value that it must still have, its new one, and how long it lasts in
-- milliseconds.
if redis.call('GET', KEYS[1]) ~= ARGV[4] then return {'changed'} end
redis.call('ZCARD', KEYS[2])
-- This is not refused when memory is full, and neither is what follows it.
redis.call('PEXPIRE', KEYS[1], ARGV[6])
enlist(KEYS[2], ARGV[3], ARGV[6])
redis.call('SET', KEYS[1], ARGV[5], 'PX', ARGV[6])
return {'ok'}
