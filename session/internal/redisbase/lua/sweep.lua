-- KEYS: the call, what is due. ARGV[2] is the time, ARGV[3] the same in
-- milliseconds, and ARGV[4] how many to look at. The reply is "ok" or "more", the
-- time by which it judged, how many it forgot, how many endings nobody was told,
-- and the IDs and values of sessions that are to be ended.
local again = redis.call('GET', KEYS[1])
if again then
  local forgot, untold = string.match(again, '(%d+) (%d+)')
  return {'more', ARGV[2], forgot, untold}
end
local at, atMS = ARGV[2], tonumber(ARGV[3])
if at > now then at, atMS = now, nowMS end
local look = tonumber(ARGV[4])

-- due has milliseconds, rounded up, so what is due at a part of one is found.
local members = redis.call('ZRANGE', due, '-inf', ms(atMS + 1), 'BYSCORE', 'LIMIT', 0, look)
local forgotten, lost, seen, tells = 0, 0, 0, {}
local gone, strays, later = {}, {}, {}
for _, member in ipairs(members) do
  local id = idOf(member)
  local entry = id and load(id)
  if not id then
    strays[#strays + 1] = member
  elseif not entry then
    gone[#gone + 1] = member
  elseif entry.state == '?' then -- some later release may understand it
    later[#later + 1] = {member, redis.call('PTTL', base .. 's:' .. id)}
  elseif entry.due ~= member then -- the server crashed before it was taken from here
    strays[#strays + 1] = member
  elseif entry.limit > at then
    seen = seen + 1 -- in this millisecond, but not yet
  elseif entry.tell then
    tells[#tells + 1] = entry
  else
    forgotten = forgotten + 1
    gone[#gone + 1] = member
    redis.call('DEL', base .. 's:' .. id)
  end
end
for _, member in ipairs(gone) do lost = lost + unlist(member) end
for _, member in ipairs(strays) do redis.call('ZREM', due, member) end
for _, each in ipairs(later) do
  redis.call('ZADD', due, ms(nowMS + math.max(each[2], 0) + 1000), each[1])
end
lost = lost + tonumber(redis.call('GETDEL', base .. 'n') or 0)
if forgotten + lost > 0 then redis.call('SET', KEYS[1], ms(forgotten) .. ' ' .. ms(lost), 'PX', 60000) end
local more = #members == look and seen < look
local reply = {more and 'more' or 'ok', at, ms(forgotten), ms(lost)}
for _, entry in ipairs(tells) do
  reply[#reply + 1], reply[#reply + 2] = entry.id, entry.value
end
return reply
