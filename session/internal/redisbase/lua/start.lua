-- KEYS: the call, the user's index, the new session. session.Replace.Choose says
-- what a new session ends; this is the same.
local id, value, ttl, tag, member, dueMember, limitMS, before, answers, renews, renewsValue, others, most, deny,
  perTenant, tenant, check, replacedEnding, answeredEnding, renewedEnding, terminatedEnding, mostEnding = unpack(ARGV, 6)
local again = replayed()
if again then return again end
if redis.call('EXISTS', KEYS[3]) == 1 then return {'exists'} end
readable(KEYS[2], due, waits)
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

-- judged returns whether the member stands for a live session that counts: one
-- that has not reached its limit when the new one is created.
local function judged(of)
  if perTenant then
    local text = redis.call('GET', base .. 's:' .. string.sub(of, -45)) or ''
    local state = string.sub(text, 1, 2)
    if text == '' or state == 'E1' then stale[#stale + 1] = of end
    if state ~= 'L1' or string.sub(text, 20, 35) <= created then return false end
    if tenant == '' then return not string.find(text, ',"tenant":"', 1, true) end
    return string.find(text, tenant, 1, true) ~= nil
  end
  local head = redis.call('GETRANGE', base .. 's:' .. string.sub(of, -45), 0, 34)
  if string.sub(head, 1, 2) == 'L1' then return string.sub(head, 20, 35) > created end
  if head == '' or string.sub(head, 1, 2) == 'E1' then stale[#stale + 1] = of end
  return false
end

if most > 0 and not (others and tag == 's') then
  local from, to = range(tag)
  if redis.call('ZLEXCOUNT', KEYS[2], from, to) >= most then
    -- The latest that count stay. What is before them, from the oldest on, ends.
    local kept = 1
    local function walk(first, last, reverse, visit)
      while true do
        local page = reverse and redis.call('ZRANGE', KEYS[2], last, first, 'BYLEX', 'REV', 'LIMIT', 0, 100)
          or redis.call('ZRANGE', KEYS[2], first, last, 'BYLEX', 'LIMIT', 0, 100)
        for _, each in ipairs(page) do
          if not spared[string.sub(each, -45)] and judged(each) and visit(each) then return end
        end
        if #page < 100 then return end
        if reverse then last = '(' .. page[#page] else first = '(' .. page[#page] end
      end
    end
    if most > 1 then
      local oldest
      walk(from, to, true, function(each)
        kept, oldest = kept + 1, each
        return kept == most
      end)
      to = kept == most and '(' .. oldest or nil
    end
    if to then
      local n = 0
      local surplus = {'limit'}
      walk(from, to, false, function(each)
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
redis.call('ZADD', due, limitMS, dueMember)
outlive(due, tonumber(ttl) + day)
for _, each in ipairs(expired) do undelivered(unlist(each)) end
for _, entry in ipairs(ending) do named[#named + 1] = entry end
local reply, ids = over('ok', named, KEYS[2], stale)
redis.call('SET', KEYS[3], value, 'PX', ttl)
remember('ok', ids)
return reply
