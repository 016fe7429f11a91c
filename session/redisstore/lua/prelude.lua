-- What all scripts share. ARGV[1] is what the keys of the shard begin with,
-- ARGV[2] the newest version of records that is understood.
--
-- A script reads each key that it will write before it writes the first. What
-- can fail fails then, with nothing done: Redis rolls no script back.
--
-- A server that crashes can be left with the first of what a script wrote, without
-- the last. So a session is in its user's index before it is there, and until it
-- is not; an ending is in the journal before it is made.
local base, newest = ARGV[1], tonumber(ARGV[2])

-- load returns the entry of a session, nil if there is none. Its state is L,
-- live, P, live and pending, E, ended, or ?, not understood. The form of its
-- value is told in value.go.
local function load(id)
  local value = redis.call('GET', base .. 's:' .. id)
  if not value then return nil end
  local state = string.match(value, '^[LPE]') or '?'
  local version = tonumber(string.sub(value, 2, 3), 16) or 0
  local body = 44 + (tonumber(string.sub(value, 36, 43), 16) or math.huge)
  if version < 1 or version > newest or body > #value then
    return {id = id, state = '?'}
  end
  local entry = {
    id = id, state = state, value = value, body = body,
    created = string.sub(value, 4, 19), limit = string.sub(value, 20, 35),
    index = base .. 'u:' .. string.sub(value, 44, body - 1),
  }
  redis.call('ZCARD', entry.index)
  return entry
end

local function live(entry)
  return entry and (entry.state == 'L' or entry.state == 'P')
end

-- outlive makes a key last ttl milliseconds at least.
local function outlive(key, ttl)
  if redis.call('PTTL', key) < ttl then
    redis.call('PEXPIRE', key, string.format('%.0f', ttl))
  end
end

-- enlist notes in the user's index that a session lasts ttl milliseconds, and
-- drops those from it that are past: by the score, which is the server's time.
local function enlist(index, id, ttl)
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  ttl = tonumber(ttl) + 1000
  redis.call('ZADD', index, string.format('%.0f', now + ttl), id) -- refused when memory is full
  redis.call('ZREMRANGEBYSCORE', index, '-inf', string.format('%.0f', now))
  outlive(index, ttl)
end

-- A client that lost the reply sends the script again, with the same KEYS[1].
-- remember keeps there what the script did, and replayed returns that.
local function remember(ids)
  redis.call('SET', KEYS[1], table.concat(ids, ' '), 'PX', 60000)
end

local function replayed()
  local ids = redis.call('GET', KEYS[1])
  if not ids then return nil end
  local reply = {'ok'}
  for id in string.gmatch(ids, '%S+') do
    reply[#reply + 1] = redis.call('GET', base .. 's:' .. id) or nil
  end
  return reply
end
