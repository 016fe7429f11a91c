-- KEYS: the session, the journal, its leases. ARGV[3] is its ID, ARGV[4] now.
local entry = load(ARGV[3])
if not entry or entry.state == '?' or entry.limit > ARGV[4] then return {'none'} end
redis.call('ZCARD', KEYS[2])
redis.call('HLEN', KEYS[3])
redis.call('DEL', KEYS[1])
redis.call('ZREM', entry.index, entry.id)
redis.call('ZREM', KEYS[2], entry.id)
redis.call('HDEL', KEYS[3], entry.id)
return {'ok'}
