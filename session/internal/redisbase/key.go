package redisbase

import (
	"iter"

	"github.com/mooring-go/mooring/session"
)

// All keys of a user's sessions have the session's shard as their hash tag, so
// that they are in one slot of a Cluster.
//
//	mooring:{Ab}:s:<session ID>   the session or its ending: see value.go
//	mooring:{Ab}:u:<user>         the user's live sessions: tag of the kind, Created, ID; the score is 0
//	mooring:{Ab}:t:<user>         the same of a user who has many, as PerTenant counts them: the score is of kind and tenant
//	mooring:{Ab}:d                sessions and endings by when they are due, in milliseconds: "!" where Sweep
//	                              tells the expiry, else "-", then as in the user's index, then the user
//	mooring:{Ab}:j:<user>         the IDs of the user's endings to deliver, in the order in which they happened
//	mooring:{Ab}:w                users who have some, by when the first can be leased
//	mooring:{Ab}:l                by ID, until when endings are leased or held back, and whose they are
//	mooring:{Ab}:n                how many endings were dropped undelivered, until Sweep tells
//	mooring:{Ab}:c:<random text>  what a script did, for a minute, should it be sent again
//
// Every script declares a key of the last kind, which is not there when it runs
// first, and one of the others. While the slot moves from one node of a Cluster to
// another, neither node runs such a script, so that none sees or writes half of the
// keys.

// base returns what all keys of a shard begin with.
func (s *Store) base(shard string) string { return s.config.Prefix + ":{" + shard + "}:" }

func (s *Store) sessionKey(id session.ID) string {
	key := append(make([]byte, 0, 128), s.config.Prefix...)
	key = append(key, ":{"...)
	key = append(key, id.Shard()...)
	key = append(key, "}:s:"...)
	key, _ = id.AppendText(key)
	return string(key)
}

func (s *Store) indexKey(user string) string { return s.base(session.Shard(user)) + "u:" + user }

func (s *Store) dueKey(shard string) string { return s.base(shard) + "d" }

func (s *Store) waitsKey(shard string) string { return s.base(shard) + "w" }

func (s *Store) lostKey(shard string) string { return s.base(shard) + "n" }

// shards is how many shards there are.
const shards = 64 * 64

// perLook is how many shards are looked at in one round trip.
const perLook = 512

// A shard has a number besides its name.
type shard struct {
	number uint32
	name   string
}

// shardsFrom yields all shards in groups, beginning with the one of number first.
func shardsFrom(first uint32) iter.Seq[[]shard] {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return func(yield func([]shard) bool) {
		for start := uint32(0); start < shards; start += perLook {
			group := make([]shard, perLook)
			for i := range group {
				n := (first + start + uint32(i)) % shards
				group[i] = shard{n, string([]byte{alphabet[n/64], alphabet[n%64]})}
			}
			if !yield(group) {
				return
			}
		}
	}
}
