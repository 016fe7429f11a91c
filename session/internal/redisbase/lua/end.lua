-- KEYS: the call, the session. ARGV[6] is its ID, ARGV[7] the ending, ARGV[8] the
-- tag that it must have; empty: any.
local again = replayed()
if again then return again end
local entry = load(ARGV[6])
if not entry then return {'none'} end
if entry.state == '?' then return {'unreadable', entry.id} end
if entry.state == 'E' then return {'ended', entry.id, entry.value} end
if ARGV[8] ~= '' and entry.tag ~= ARGV[8] then return {'none'} end
local reply, ids = over('ok', {closing(entry, ARGV[7])})
remember('ok', ids)
return reply
