-- KEYS: the call, the user's index. ARGV[2] is how many to list at the most; then
-- come pairs of where members begin and end. The reply is "ok", or "more" with the
-- number of the pair and the member that was listed last, and IDs and values.
local reply, left = {'ok', '', ''}, tonumber(ARGV[2])
for i = 3, #ARGV, 2 do
  local page = redis.call('ZRANGE', KEYS[2], ARGV[i], ARGV[i + 1], 'BYLEX', 'LIMIT', 0, left)
  for _, member in ipairs(page) do
    local id = string.sub(member, -45)
    local value = redis.call('GET', base .. 's:' .. id)
    if value and string.sub(value, 1, 1) ~= 'E' then
      reply[#reply + 1], reply[#reply + 2] = id, value
    end
  end
  left = left - #page
  if left == 0 then
    reply[1], reply[2], reply[3] = 'more', tostring((i - 3) / 2), page[#page]
    return reply
  end
end
return reply
