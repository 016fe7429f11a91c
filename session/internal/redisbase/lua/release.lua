-- KEYS: the call, the users who wait. ARGV[2] is for how many milliseconds to hold
-- back what is released; then come the IDs.
local again = replayed()
if again then return again end
local pause = tonumber(ARGV[2])
redis.call('HDEL', leases, '') -- not refused when memory is full, and neither is what follows
for i = 3, #ARGV do
  local _, user = held(ARGV[i])
  if user then
    if pause > 0 then
      redis.call('HSET', leases, ARGV[i], ms(nowMS + pause) .. ' ' .. user)
    else
      redis.call('HDEL', leases, ARGV[i])
    end
    rank(user)
  end
end
remember('ok', {})
return {'ok'}
