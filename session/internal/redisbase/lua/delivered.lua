-- KEYS: the call, the users who wait. Then come the IDs of what was delivered.
for i = 2, #ARGV do
  local id = ARGV[i]
  local _, user = held(id)
  if not user then
    local entry = load(id)
    user = entry and entry.user
  end
  if user and dequeue(user, id) then rank(user) end
end
return {'ok'}
