-- KEYS: the user's index.
local reply = {'ok'}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local value = redis.call('GET', base .. 's:' .. id)
  if value and string.sub(value, 1, 1) ~= 'E' then reply[#reply + 1] = value end
end
return reply
