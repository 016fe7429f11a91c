-- KEYS: the call, the user's index. ARGV[6] is the ID to keep, ARGV[7] the
-- ending.
local again = replayed()
if again then return again end
local ended, endings = {}, {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  local entry = id ~= ARGV[6] and load(id)
  if entry and entry.state == '?' then return {'unreadable', id} end
  if live(entry) then
    ended[#ended + 1], endings[#endings + 1] = entry, ARGV[7]
  end
end
if #ended == 0 then return {'ok'} end
return finish(ended, endings)
