-- What the scripts share that end sessions.

-- batch is how many sessions a script ends at the most, so that it keeps others
-- waiting for some milliseconds only: session.EndBatch. look is how many it looks at.
local batch, look = 100, 500

-- closing sets how an entry ends, as told by the arguments of End, EndUser and
-- Start: ARGV[2] is until when the ending is kept, ARGV[3] the same in
-- milliseconds, ARGV[4] how long that is, and ARGV[5] whether it goes to the journal.
local function closing(entry, ending)
  entry.ending, entry.keep, entry.keepMS, entry.ttl = ending, ARGV[2], ARGV[3], tonumber(ARGV[4])
  entry.journal = ARGV[5] == '1'
  return entry
end

-- found returns the entry that a member of an index stands for if it is live. Of
-- one that is not understood, which some later release may have written, it knows
-- what the index does.
local function found(member, index)
  local tag, created, id = parsed(member)
  local entry = load(id)
  if not entry or entry.state == 'E' then return nil end
  if entry.state == '?' then
    entry.tag, entry.created, entry.record, entry.tell = tag, created, '', true
    entry.user = string.sub(index, #base + 3)
    place(entry)
  end
  return entry
end

-- gather returns the oldest live entries with the tags in an index, as many as can
-- be ended together, then members that are left of others, and whether there may
-- be more.
local function gather(index, tags, spared)
  local pages, at, entries, stale, more = {}, {}, {}, {}, false
  for i, tag in ipairs(tags) do
    local from, to = range(tag)
    pages[i], at[i] = redis.call('ZRANGE', index, from, to, 'BYLEX', 'LIMIT', 0, look), 1
    more = more or #pages[i] == look
  end
  while true do
    local oldest, created -- of those not looked at, each page has the oldest first
    for i, page in ipairs(pages) do
      local head = page[at[i]] and string.sub(page[at[i]], -61, -46)
      if head and (not oldest or head < created) then oldest, created = i, head end
    end
    if not oldest then return entries, stale, more end
    local member = pages[oldest][at[oldest]]
    at[oldest] = at[oldest] + 1
    if not spared[string.sub(member, -45)] then
      if #entries == batch then return entries, stale, true end
      local entry = found(member, index)
      if entry then entries[#entries + 1] = entry else stale[#stale + 1] = member end
    end
  end
end

-- over ends entries, and returns status, then their IDs and what they are then.
-- It begins with a command that is not refused when memory is full; the others of
-- the script are not refused then either.
local function over(status, entries, index, stale)
  for _, entry in ipairs(entries) do
    readable(entry.index, byTenant(entry.index), due)
    if entry.journal then readable(waits, queueOf(entry.user)) end
  end
  if entries[1] then redis.call('ZREM', entries[1].index, '') end
  for _, member in ipairs(stale or {}) do delist(index, member) end
  local reply, ids = {status}, {}
  for i, entry in ipairs(entries) do
    if entry.journal then enqueue(entry, entry.ttl) end
    redis.call('ZADD', due, entry.keepMS, '-' .. string.sub(entry.due, 2))
    outlive(due, entry.ttl + day)
    local value = 'E10' .. entry.created .. entry.keep .. sized(entry.tag) .. sized(entry.user) .. entry.ending .. entry.record
    redis.call('SET', base .. 's:' .. entry.id, value, 'PX', ms(entry.ttl))
    delist(entry.index, entry.member)
    if entry.tell then redis.call('ZREM', due, entry.due) end
    ids[i], reply[2 * i], reply[2 * i + 1] = entry.id, entry.id, value
  end
  for _, entry in ipairs(entries) do
    local cause = string.match(entry.ending, '^' .. hex8 .. '{"v":%d+,"cause":"([%w_]+)"') or ''
    tell('E' .. entry.id .. cause .. ' ' .. entry.user)
  end
  return reply, ids
end
