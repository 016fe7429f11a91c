-- What the scripts that end sessions share. ARGV[3] is until when the endings
-- are kept, ARGV[4] how long that is in milliseconds, ARGV[5] whether they go
-- to the journal, whose last place is read here.
local journal = base .. 'j'
local place = tonumber(redis.call('ZRANGE', journal, -1, -1, 'WITHSCORES')[2] or 0)

-- over ends the entries with an ending each, and returns them as they are then,
-- and their IDs. It begins with a command that is not refused when memory is full;
-- the others of the script are not refused then either.
local function over(entries, endings)
  local reply, ids = {'ok'}, {}
  if entries[1] then redis.call('ZREM', entries[1].index, '') end
  for i, entry in ipairs(entries) do
    if ARGV[5] == '1' then
      place = place + 1
      redis.call('ZADD', journal, place, entry.id)
      outlive(journal, tonumber(ARGV[4]))
    end
    local value = 'E' .. string.sub(entry.value, 2, 19) .. ARGV[3] ..
      string.sub(entry.value, 36, entry.body - 1) .. endings[i] .. string.sub(entry.value, entry.body)
    redis.call('SET', base .. 's:' .. entry.id, value, 'PX', ARGV[4])
    redis.call('ZREM', entry.index, entry.id)
    reply[i + 1], ids[i] = value, entry.id
  end
  return reply, ids
end

-- finish is over, for a script that does nothing else.
local function finish(entries, endings)
  local reply, ids = over(entries, endings)
  remember(ids)
  return reply
end
