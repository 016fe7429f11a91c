-- KEYS: the call, the journal, its leases. ARGV[3] is now, ARGV[4] until when
-- to lease, ARGV[5] how many at the most.
local again = replayed()
if again then return again end
local leased, over, reply, ids, held = {}, {}, {'ok'}, {}, {}
for _, id in ipairs(redis.call('HKEYS', KEYS[3])) do leased[id] = true end

local first, size = 0, 100
while #ids < tonumber(ARGV[5]) do
  local page = redis.call('ZRANGE', KEYS[2], first, first + size - 1)
  if #page == 0 then break end
  for _, id in ipairs(page) do
    local entry = load(id)
    if entry and entry.state == '?' then
      -- Left for whoever understands it.
    elseif not entry or entry.state ~= 'E' or entry.limit <= ARGV[3] then
      over[#over + 1] = id
    elseif leased[id] and redis.call('HGET', KEYS[3], id) > ARGV[3] then
      held[entry.index] = true
    elseif not held[entry.index] and #ids < tonumber(ARGV[5]) then
      ids[#ids + 1], reply[#reply + 1] = id, entry.value
    end
  end
  first = first + size
end

for _, id in ipairs(over) do
  redis.call('ZREM', KEYS[2], id)
  redis.call('HDEL', KEYS[3], id)
end
if #ids == 0 then return reply end
redis.call('HDEL', KEYS[3], '') -- not refused when memory is full, and neither is what follows
for _, id in ipairs(ids) do redis.call('HSET', KEYS[3], id, ARGV[4]) end
outlive(KEYS[3], redis.call('PTTL', KEYS[2]))
remember(ids)
return reply
