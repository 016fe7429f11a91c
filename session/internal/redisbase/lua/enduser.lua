-- KEYS: the call, the user's index. ARGV[6] is the ID to keep, ARGV[7] the ending,
-- and then come the tags of the kinds to end; none: all that there are.
local again = replayed()
if again then return again end
local tags = {unpack(ARGV, 8)}
if #tags == 0 then
  local from = '-'
  while true do
    local member = redis.call('ZRANGE', KEYS[2], from, '+', 'BYLEX', 'LIMIT', 0, 1)[1]
    if not member then break end
    tags[#tags + 1] = parsed(member)
    from = '(' .. tags[#tags] .. 'g'
  end
end
local entries, stale, more = gather(KEYS[2], tags, {[ARGV[6]] = true})
local status = more and 'more' or 'ok'
if #entries == 0 and #stale == 0 then return {status} end
for _, entry in ipairs(entries) do closing(entry, ARGV[7]) end
local reply, ids = over(status, entries, KEYS[2], stale)
remember(status, ids)
return reply
