-- KEYS: the call. ARGV[2] is the channel, of the same slot, and ARGV[3] what to
-- publish there. The command before it is refused where this is no master.
redis.call('DEL', KEYS[1])
redis.call(sharded and 'SPUBLISH' or 'PUBLISH', ARGV[2], ARGV[3])
return {'ok'}
