-- What the scripts share that know of the journal. Each user has a queue of endings
-- to deliver, in the order in which they happened. waits has the users who have
-- such a queue, by when the first in it can be leased. leases has, by ID, until when
-- an ending is leased, or held back, and whose it is.
local waits, leases = base .. 'w', base .. 'l'

-- day is for how much longer than the endings the keys about them are kept, so that
-- what was not delivered is counted.
local day = 86400000

local function queueOf(user) return base .. 'j:' .. user end

-- enqueue adds the ending of an entry to its user's queue.
local last = {}
local function enqueue(entry, ttl)
  local queue = queueOf(entry.user)
  if not last[queue] then
    last[queue] = tonumber(redis.call('ZRANGE', queue, -1, -1, 'WITHSCORES')[2] or 0)
    redis.call('ZADD', waits, 'NX', ms(nowMS), entry.user)
  end
  last[queue] = last[queue] + 1
  redis.call('ZADD', queue, ms(last[queue]), entry.id)
  outlive(waits, ttl + day)
  outlive(queue, ttl + day)
end

-- held returns until when an ending is leased or held back, and whose it is.
local function held(id)
  local lease = redis.call('HGET', leases, id)
  if not lease then return nil end
  local untilMS, user = string.match(lease, '^(%d+) (.*)$')
  return tonumber(untilMS), user
end

-- rank notes when the first of a user's endings can be leased.
local function rank(user)
  local first = redis.call('ZRANGE', queueOf(user), 0, 0)[1]
  if not first then
    redis.call('ZREM', waits, user)
    return
  end
  if redis.call('ZADD', waits, ms(held(first) or nowMS), user) == 1 then
    outlive(waits, redis.call('PTTL', queueOf(user)))
  end
end

-- untold stands in leases for an ending that Lease took from its queue since its
-- Keep had come. Sweep counts it when it forgets the ending.
local untold = '-'

-- dequeue takes an ending from its user's queue, and returns whether it was there.
local function dequeue(user, id)
  local was = redis.call('ZREM', queueOf(user), id) == 1
  was = redis.call('HGET', leases, id) == untold or was
  redis.call('HDEL', leases, id)
  return was
end

-- undelivered counts, for Sweep to tell, endings that nobody was told and that are
-- forgotten.
local function undelivered(n)
  if n > 0 then
    redis.call('INCRBY', base .. 'n', ms(n))
    redis.call('PEXPIRE', base .. 'n', 30 * day)
  end
end

-- unlist takes a member of due from there and from wherever else it is listed. It
-- returns 1 if nobody was told of the ending that it stands for, and 0 otherwise.
local function unlist(member)
  local tag = string.match(member, '^.([spd])') or string.match(member, '^.(x[^:]*:)')
  local at = 2 + #tag
  local id, user = string.sub(member, at + 16, at + 60), string.sub(member, at + 61)
  redis.call('ZREM', due, member)
  delist(base .. 'u:' .. user, string.sub(member, 2, at + 60))
  local waited = dequeue(user, id)
  if waited then rank(user) end
  return (waited or string.sub(member, 1, 1) == '!') and 1 or 0
end

-- idOf returns the ID in a member of due.
local function idOf(member)
  local tag = string.match(member, '^.([spd])') or string.match(member, '^.(x[^:]*:)')
  return tag and string.sub(member, #tag + 18, #tag + 62)
end
