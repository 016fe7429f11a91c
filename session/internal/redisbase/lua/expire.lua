-- KEYS: the call, what is due. Then come, for each session that has reached a limit
-- and is to be ended: its ID, the limit that it must still have, the ending, until
-- when that is kept, the same in milliseconds, and how long that is.
local again = replayed()
if again then return again end
local entries = {}
for i = 2, #ARGV, 6 do
  local entry = load(ARGV[i])
  if entry and entry.state == 'L' and entry.limit == ARGV[i + 1] and entry.limit <= now then
    entry.ending, entry.keep, entry.keepMS, entry.ttl = ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], tonumber(ARGV[i + 5])
    entry.journal = true
    entries[#entries + 1] = entry
  end
end
local reply, ids = over('ok', entries)
remember('ok', ids)
return reply
