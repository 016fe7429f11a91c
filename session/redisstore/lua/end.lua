-- KEYS: the call, the session. ARGV[6] is its ID, ARGV[7] the ending, ARGV[8]
-- the ending if it is pending, ARGV[9] whether it must be.
local again = replayed()
if again then return again end
local entry = load(ARGV[6])
if not entry then return {'none'} end
if entry.state == '?' then return {'unreadable', entry.id} end
if entry.state == 'E' then return {'ended', entry.value} end
if entry.state == 'P' then return finish({entry}, {ARGV[8]}) end
if ARGV[9] == '1' then return {'none'} end
return finish({entry}, {ARGV[7]})
