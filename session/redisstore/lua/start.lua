-- KEYS: the call, the user's index, the new session. ARGV[6] is its ID, then
-- come its value, how long it lasts in milliseconds, when it was created, the
-- ID of the session that it came from, whether that must be pending, whether to
-- end others, the maximum, and the endings: replaced, answered, terminated,
-- over the maximum.
local again = replayed()
if again then return again end
if redis.call('EXISTS', KEYS[3]) == 1 then return {'exists'} end
redis.call('ZCARD', KEYS[2])

local ended, endings = {}, {}
local function gone(entry, ending)
  ended[#ended + 1], endings[#endings + 1] = entry, ending
end

local from = load(ARGV[10])
if from and from.state == '?' then return {'unreadable', from.id} end
if ARGV[11] == '1' and not (from and from.state == 'P') then
  if from and from.state == 'E' then return {'ended', from.value} end
  return {'none'}
end
if live(from) then
  gone(from, from.state == 'P' and ARGV[15] or ARGV[14])
end

local others, most = ARGV[12] == '1', tonumber(ARGV[13])
if others or most > 0 then
  local counted = {}
  for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
    local entry = id ~= ARGV[10] and load(id)
    if entry and entry.state == '?' then return {'unreadable', id} end
    if entry and entry.state == 'L' then
      if others then
        gone(entry, ARGV[16])
      elseif entry.limit > ARGV[9] then
        counted[#counted + 1] = entry
      end
    end
  end
  table.sort(counted, function(a, b)
    if a.created == b.created then return a.id < b.id end
    return a.created < b.created
  end)
  if string.sub(ARGV[7], 1, 1) == 'L' then most = most - 1 end
  for i = 1, #counted - most do gone(counted[i], ARGV[17]) end
end

enlist(KEYS[2], ARGV[6], ARGV[8])
local reply, ids = over(ended, endings)
redis.call('SET', KEYS[3], ARGV[7], 'PX', ARGV[8])
remember(ids)
return reply
