-- KEYS: the user's index.
local reply = {'ok'}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  reply[#reply + 1] = redis.call('GET', base .. 's:' .. id) or nil
end
return reply
