-- KEYS: the call, the users who wait. ARGV[2] is for how many milliseconds to
-- lease, ARGV[3] how many at the most.
local again = replayed()
if again then return again end
local limit = tonumber(ARGV[3])
local untilMS = nowMS + tonumber(ARGV[2])
local reply, ids, owners, dropped, ranked = {'ok'}, {}, {}, {}, {}

-- Each user here has an ending to lease or to drop. So little more is looked at than
-- the limit, however much there is.
local looks = limit + 100
for _, user in ipairs(redis.call('ZRANGE', waits, '-inf', ms(nowMS), 'BYSCORE', 'LIMIT', 0, limit)) do
  if #ids == limit or looks <= 0 then break end
  ranked[#ranked + 1] = user
  for _, id in ipairs(redis.call('ZRANGE', queueOf(user), 0, looks - 1)) do
    if #ids == limit or (held(id) or 0) > nowMS then break end
    looks = looks - 1
    local entry = load(id)
    if entry and entry.state == 'E' and entry.limit > now then
      ids[#ids + 1], owners[#owners + 1] = id, user
      reply[#reply + 1], reply[#reply + 2] = id, entry.value
    else
      dropped[#dropped + 1] = {user, id, entry and entry.state == 'L'}
    end
  end
end
if #ranked == 0 then return reply end

redis.call('HDEL', leases, '') -- not refused when memory is full, and neither is what follows
for _, drop in ipairs(dropped) do
  dequeue(drop[1], drop[2])
  if not drop[3] then redis.call('HSET', leases, drop[2], untold) end
end
for i, id in ipairs(ids) do redis.call('HSET', leases, id, ms(untilMS) .. ' ' .. owners[i]) end
outlive(leases, redis.call('PTTL', waits))
for _, user in ipairs(ranked) do rank(user) end
remember('ok', ids)
return reply
