-- What all scripts share. ARGV[1] is what the keys of the shard begin with.
-- KEYS[1] is a key of this call alone: see remember.
--
-- A script reads each key that it writes before it writes the first. What can
-- fail fails then, with nothing done: Redis rolls no script back.
--
-- A server that crashes can be left with the first of what a script wrote, without
-- the last. So a session is in its user's index before it is there, and until it
-- is not; an ending is in the journal before it is made.
--
-- Lua compares strings by the server's locale. Only hexadecimal numbers of equal
-- length are compared here; other orders are those of BYLEX, which are of bytes.
local base = ARGV[1]
local due = base .. 'd'

local hex8, hex16 = string.rep('%x', 8), string.rep('%x', 16)

local time = redis.call('TIME')
local seconds, micros = tonumber(time[1]), tonumber(time[2])

-- nowMS is the server's time in milliseconds since 1970.
local nowMS = seconds * 1000 + math.floor(micros / 1000)

-- ms returns a number of milliseconds as Redis takes it.
local function ms(n) return string.format('%.0f', n) end

-- now is the server's time in the form of value.go: nanoseconds, 64 bits of them,
-- which is more than a number has here.
local now
do
  local high = math.floor(seconds / 65536) * 1000000000
  local low = (seconds % 65536) * 1000000000 + micros * 1000 + (high % 65536) * 65536
  high = math.floor(high / 65536) + math.floor(low / 4294967296) + 2147483648
  now = string.format('%08x%08x', high, low % 4294967296)
end

-- part returns the text at a place of a value that stands behind its length, and
-- where it ends; nil if the value is cut short.
local function part(value, at)
  local length = tonumber(string.match(value, '^' .. hex8, at) or '', 16)
  if not length or at + 8 + length > #value + 1 then return nil end
  return string.sub(value, at + 8, at + 7 + length), at + 8 + length
end

local function sized(text) return string.format('%08x', #text) .. text end

-- place sets where an entry is listed: in the index of its user and in the list of
-- what is due.
local function place(entry)
  entry.index = base .. 'u:' .. entry.user
  entry.member = entry.tag .. entry.created .. entry.id
  entry.due = (entry.tell and '!' or '-') .. entry.member .. entry.user
  return entry
end

-- load returns the entry of an ID, nil if there is none. Its state is L, live, E,
-- ended, or ?, not understood. The form of its value is told in value.go.
local function load(id)
  local value = redis.call('GET', base .. 's:' .. id)
  if not value then return nil end
  local state, tell, created, limit = string.match(value, '^([LE])1([01])(' .. hex16 .. ')(' .. hex16 .. ')')
  local tag, user, at
  if state then tag, at = part(value, 36) end
  if tag then user, at = part(value, at) end
  if not user then return {id = id, state = '?', value = value} end
  return place{
    id = id, state = state, tell = tell == '1' and state == 'L', created = created, limit = limit,
    tag = tag, user = user, value = value, record = string.sub(value, at),
  }
end

-- byTenant returns the key of the index by tenant that stands beside the index of a
-- user. It has the same members if it is there and whole: see tenant.lua.
local function byTenant(index) return base .. 't:' .. string.sub(index, #base + 3) end

-- delist takes a member from the index of a user, and from that by tenant.
local function delist(index, member)
  redis.call('ZREM', index, member)
  redis.call('ZREM', byTenant(index), member)
end

-- groupOf returns the score that the sessions with a tag and a tenant have in an index
-- by tenant: 52 bits of a hash. The tenant is as tenantOf returns it.
local function groupOf(tag, tenant)
  return ms(tonumber(string.sub(redis.sha1hex(tag .. tenant), 1, 13), 16))
end

-- parsed returns what the member of an index says: the kind's tag, when the session
-- was created, and its ID.
local function parsed(member)
  return string.sub(member, 1, -62), string.sub(member, -61, -46), string.sub(member, -45)
end

-- range returns where the members with a tag begin and end.
local function range(tag) return '[' .. tag, '(' .. tag .. 'g' end

-- readable reads keys of sorted sets, so that the script fails here if it must.
local probed = {}
local function readable(...)
  for _, key in ipairs({...}) do
    if not probed[key] then
      redis.call('ZCARD', key)
      probed[key] = true
    end
  end
end

-- outlive makes a key last ttl milliseconds at least, and a second more.
local lasts = {}
local function outlive(key, ttl)
  ttl = tonumber(ttl) + 1000
  if not lasts[key] then lasts[key] = redis.call('PTTL', key) end
  if lasts[key] < ttl then
    redis.call('PEXPIRE', key, ms(ttl))
    lasts[key] = ttl
  end
end

-- channel is where the changes of the shard are published: in a Cluster that of the
-- shard, and otherwise one for all.
local channel = sharded and base .. 'changes' or string.gsub(base, ':{[^}]*}:$', ':changes')

-- tell publishes a change: see watch.go. It is the last thing that a script does,
-- and does nothing where the client's user may not publish.
local function tell(message)
  redis.pcall(sharded and 'SPUBLISH' or 'PUBLISH', channel, message)
end

-- A client that lost the reply sends the script again, with the same KEYS[1].
-- remember keeps there what the script did, and replayed returns that.
local function remember(status, ids)
  redis.call('SET', KEYS[1], status .. ' ' .. table.concat(ids, ' '), 'PX', 60000)
end

local function replayed()
  local note = redis.call('GET', KEYS[1])
  if not note then return nil end
  local reply = {string.match(note, '^%S+')}
  for id in string.gmatch(string.sub(note, #reply[1] + 1), '%S+') do
    local value = redis.call('GET', base .. 's:' .. id)
    if value then
      reply[#reply + 1], reply[#reply + 2] = id, value
    end
  end
  return reply
end
