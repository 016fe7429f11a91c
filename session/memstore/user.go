package memstore

import (
	"context"
	"slices"

	"github.com/mooring-go/mooring/session"
)

// EndUser ends the live sessions of the user, but for the one to keep, and
// returns them in the order in which they started.
func (s *Store) EndUser(_ context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error) {
	sh := &s.shards[index(session.Shard(user))]
	kept := record(ending)
	sh.lock()
	defer sh.unlock()
	var ended []session.Session
	for e := sh.users[user].first; e != nil; {
		later := e.later
		if e.id != keep && of(e.kind, kinds) {
			sh.end(e, kept)
			ended = append(ended, e.session())
		}
		e = later
	}
	return ended, nil
}

// List returns the live sessions of the user, the latest sign-in first.
func (s *Store) List(_ context.Context, user string, kinds ...session.Kind) ([]session.Session, error) {
	sessions := s.shards[index(session.Shard(user))].list(user, kinds)
	slices.SortStableFunc(sessions, func(a, b session.Session) int { return b.Created.Compare(a.Created) })
	return sessions, nil
}

// list returns the live sessions of the user, the last one started first.
func (sh *shard) list(user string, kinds []session.Kind) []session.Session {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	var sessions []session.Session
	for e := sh.users[user].last; e != nil; e = e.earlier {
		if of(e.kind, kinds) {
			sessions = append(sessions, e.session())
		}
	}
	return sessions
}

// of reports whether the kind is one of kinds, where none means any.
func of(kind session.Kind, kinds []session.Kind) bool {
	return len(kinds) == 0 || slices.Contains(kinds, kind)
}
