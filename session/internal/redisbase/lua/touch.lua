-- KEYS: the call, the session, the user's index. ARGV[2] is the value that the
-- session must still have, then come its new one, how long it lasts, its member of
-- the index and of due, when it is due, when it was used, its tag, its tenant, and what
-- to publish; empty: nothing.
local before, after, ttl, member, dueMember, limitMS, seen, tag, tenant, message = unpack(ARGV, 2)
if redis.call('GET', KEYS[2]) ~= before then return {'changed'} end
if seen > now then return {'ahead', ms(seconds), ms(micros)} end
readable(KEYS[3], due)
local tenants = byTenant(KEYS[3])
local grouped = redis.call('ZCARD', tenants) > 0
-- This is not refused when memory is full, and neither is what follows it.
redis.call('PEXPIRE', KEYS[2], ttl)
redis.call('ZADD', KEYS[3], 0, member)
outlive(KEYS[3], ttl)
if grouped then
  redis.call('ZADD', tenants, groupOf(tag, tenant), member)
  outlive(tenants, ttl)
end
redis.call('ZADD', due, limitMS, dueMember)
outlive(due, tonumber(ttl) + 86400000)
redis.call('SET', KEYS[2], after, 'PX', ttl)
if message ~= '' then tell(message) end
return {'ok'}
