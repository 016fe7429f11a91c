-- KEYS: the call, the user's index, the new session. session.Replace.Choose says
-- what a new session ends; this is the same.
local id, value, ttl, tag, member, dueMember, limitMS, before, answers, renews, renewsValue, others, most, deny,
  perTenant, tenant, check, few, replacedEnding, answeredEnding, renewedEnding, terminatedEnding, mostEnding = unpack(ARGV, 6)
local again = replayed()
if again then return again end
if redis.call('EXISTS', KEYS[3]) == 1 then return {'exists'} end
readable(KEYS[2], due, waits)
local tenants = byTenant(KEYS[2])
local grouped = redis.call('ZCARD', tenants) > 0
local created = string.sub(member, -61, -46)
others, most, deny, perTenant = others == '1', tonumber(most), deny == '1', perTenant == '1'

-- named are the entries that the Replace names, spared the IDs that are seen to.
local named, spared = {}, {}
local function names(entry, ending)
  if entry and not spared[entry.id] then
    named[#named + 1], spared[entry.id] = closing(entry, ending), true
  end
end

-- owned returns the entry of an ID if it is live, of the user and the kind.
local function owned(wanted, ofTag)
  local entry = wanted ~= '' and load(wanted)
  return entry and entry.state == 'L' and entry.index == KEYS[2] and entry.tag == ofTag and entry or nil
end

local answered, renewed = owned(answers, 'p'), owned(renews, 's')
if (answers ~= '' and not answered) or (renews ~= '' and not renewed) then
  for _, wanted in ipairs({answers, renews}) do
    local entry = wanted ~= '' and load(wanted)
    if entry and entry.state == 'E' then return {'ended', wanted, entry.value} end
    if entry and entry.state == '?' then return {'unreadable', wanted} end
    if wanted ~= '' and not entry then return {'none'} end
  end
  return {'none'}
end
if renewed and renewed.value ~= renewsValue then return {'changed'} end
names(answered, answeredEnding)
names(renewed, renewedEnding)
local last = before ~= '' and load(before)
if last and last.state == 'L' and last.tag == tag and (last.index == KEYS[2] or tag ~= 'd') then
  names(last, replacedEnding)
end

local ending, stale, more = {}, {}, false
if others then
  ending, stale, more = gather(KEYS[2], {'s'}, spared)
  for _, entry in ipairs(ending) do closing(entry, terminatedEnding) end
end

-- inTenant is whether the sessions to count are looked up by tenant: where there are
-- many of the kind.
local from, to = range(tag)
local counts = most > 0 and not (others and tag == 's') and redis.call('ZLEXCOUNT', KEYS[2], from, to)
local inTenant = counts and counts >= most and perTenant and counts > tonumber(few)
if inTenant and not complete(KEYS[2], tenants) then return {'indexing'} end
grouped = grouped or inTenant
local score = groupOf(tag, tenant)

-- judged returns whether the member stands for a live session that counts: one
-- that has not reached its limit when the new one is created.
local function judged(of)
  if perTenant then
    local entry = load(string.sub(of, -45))
    if not entry or entry.state == 'E' then stale[#stale + 1] = of end
    return entry and entry.state == 'L' and entry.limit > created and tenantOf(entry.record) == tenant
  end
  local head = redis.call('GETRANGE', base .. 's:' .. string.sub(of, -45), 0, 34)
  if string.sub(head, 1, 2) == 'L1' then return string.sub(head, 20, 35) > created end
  if head == '' or string.sub(head, 1, 2) == 'E1' then stale[#stale + 1] = of end
  return false
end

-- walk visits the sessions that count, from the oldest or from the latest on, until
-- visit returns true.
local function walk(latest, visit)
  local first, last, seen = from, to, 0
  while true do
    local words = inTenant and {tenants, score, score, 'BYSCORE'}
      or latest and {KEYS[2], last, first, 'BYLEX'} or {KEYS[2], first, last, 'BYLEX'}
    if latest then words[5] = 'REV' end
    words[#words + 1], words[#words + 2], words[#words + 3] = 'LIMIT', inTenant and seen or 0, 100
    local page = redis.call('ZRANGE', unpack(words))
    for _, each in ipairs(page) do
      if not spared[string.sub(each, -45)] and judged(each) and visit(each) then return end
    end
    if #page < 100 then return end
    seen = seen + 100
    if latest then last = '(' .. page[100] else first = '(' .. page[100] end
  end
end

if counts and counts >= most then
  -- The latest that count stay. What is before them, from the oldest on, ends.
  local kept, oldest = 1, nil
  if most > 1 then
    walk(true, function(each)
      kept, oldest = kept + 1, each
      return kept == most
    end)
  end
  if kept == most then
    local n = 0
    local surplus = {'limit'}
    walk(false, function(each)
      if each == oldest then return true end
      if n == batch then
        more = true
        return true
      end
      n = n + 1
      surplus[n + 1] = string.sub(each, -45)
      ending[#ending + 1] = closing(found(each, KEYS[2]), mostEnding)
    end)
    if deny and n > 0 then return surplus end
  end
end
if check == '1' then return {'ok'} end

-- What expired by itself is taken from where it is listed, two for each new one.
local expired = {}
for _, each in ipairs(redis.call('ZRANGE', due, '-inf', ms(nowMS), 'BYSCORE', 'LIMIT', 0, 2)) do
  local gone = idOf(each)
  if gone and redis.call('EXISTS', base .. 's:' .. gone) == 0 then expired[#expired + 1] = each end
end

if more then
  local reply, ids = over('more', ending, KEYS[2], stale)
  remember('more', ids)
  return reply
end
redis.call('ZADD', KEYS[2], 0, member) -- refused when memory is full
outlive(KEYS[2], ttl)
if grouped then
  redis.call('ZADD', tenants, score, member)
  outlive(tenants, ttl)
end
redis.call('ZADD', due, limitMS, dueMember)
outlive(due, tonumber(ttl) + day)
for _, each in ipairs(expired) do undelivered(unlist(each)) end
for _, entry in ipairs(ending) do named[#named + 1] = entry end
local reply, ids = over('ok', named, KEYS[2], stale)
redis.call('SET', KEYS[3], value, 'PX', ttl)
remember('ok', ids)
return reply
