-- The index by tenant of a user has the members of the user's index. The score of each
-- is groupOf its tag and its tenant, so that those of one kind and one tenant stand
-- together, the oldest first. It is made for a user with many sessions, by the first
-- sign-in that counts those of one tenant. From then on each script that writes one of
-- the two indexes writes the other.
--
-- The release before this one writes the user's index alone. So the two have to have
-- equally many members, or what is missing is added, and what is left over removed.

-- perIndexing is how many sessions a script reads at the most to add them.
local perIndexing = 500

-- tenantOf returns the tenant in a record as JSON has it, with its name; '' if there
-- is none. To read all of the JSON would take ten times as long. Quotes in other texts
-- of a record are escaped.
local function tenantOf(record)
  local first, last = string.find(record, ',"tenant":"', 1, true)
  while first do
    last = string.find(record, '["\\]', last + 1)
    if not last then break end
    if string.sub(record, last, last) == '"' then return string.sub(record, first, last) end
    last = last + 1
  end
  return ''
end

-- group adds members of a user's index to that by tenant, and returns how many were not
-- there. One whose session is not there, or not understood, is of no kind and no tenant.
local function group(tenants, members)
  local added = 0
  for _, member in ipairs(members) do
    local entry = load(string.sub(member, -45))
    local score = entry and entry.record and groupOf(entry.tag, tenantOf(entry.record)) or '-1'
    added = added + redis.call('ZADD', tenants, score, member)
  end
  return added
end

-- complete has the index by tenant have the members of the user's index, and returns
-- whether it does; if not, the script is to be run again. ZDIFF takes long where much is
-- missing, as at first: then what is there is the beginning of the user's index.
local function complete(index, tenants)
  local all, had = redis.call('ZCARD', index), redis.call('ZCARD', tenants)
  if all == had then return true end
  local life, left = redis.call('PTTL', index), 0
  if all - had > perIndexing then
    left = group(tenants, redis.call('ZRANGE', index, had, had + perIndexing - 1))
  end
  if left == 0 then
    local missing = redis.call('ZDIFF', 2, index, tenants)
    left = #missing - group(tenants, {unpack(missing, 1, perIndexing)})
  end
  outlive(tenants, life)
  if left > 0 then return false end
  for _, member in ipairs(redis.call('ZDIFF', 2, tenants, index)) do redis.call('ZREM', tenants, member) end
  return true
end
