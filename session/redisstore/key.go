package redisstore

import (
	"iter"

	"github.com/mooring-go/mooring/session"
)

// All keys of a user's sessions have the session's shard as their hash tag, so
// that they are in one slot of a Cluster.
//
//	mooring:{Ab}:s:<session ID>   the session or its ending: see value.go
//	mooring:{Ab}:u:<user>         the IDs of the user's live sessions, by when the keys expire
//	mooring:{Ab}:j                the IDs of the endings to deliver, in the order in which they happened
//	mooring:{Ab}:l                until when endings are leased, by ID
//	mooring:{Ab}:c:<random text>  what a script did, for a minute, should it be sent again

// base is what all keys of a shard begin with.
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

func (s *Store) journalKey(shard string) string { return s.base(shard) + "j" }

func (s *Store) leasesKey(shard string) string { return s.base(shard) + "l" }

// shards is how many shards there are.
const shards = 64 * 64

// shardsFrom yields all shards, beginning with the one of number first.
func shardsFrom(first uint32) iter.Seq[string] {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return func(yield func(string) bool) {
		for i := range uint32(shards) {
			n := (first + i) % shards
			if !yield(string([]byte{alphabet[n/64], alphabet[n%64]})) {
				return
			}
		}
	}
}
