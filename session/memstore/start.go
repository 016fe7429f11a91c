package memstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/mooring-go/mooring/session"
)

// overduePerStart is how many overdue entries a Start forgets at the most: more
// than the one that it adds.
const overduePerStart = 2

// Start makes s live and ends what replace says. A session whose ID is not of a
// token for its user is refused.
func (s *Store) Start(_ context.Context, started session.Session, replace session.Replace) ([]session.Ended, error) {
	if started.ID.Shard() != session.Shard(started.User) {
		// EndUser would not find it.
		return nil, fmt.Errorf("memstore: ID %q is not of a token for user %q", started.ID, started.User)
	}
	home, origin := s.lock(started.ID, replace.From)
	defer s.unlock(home, origin)

	if home.entries.find(&started.ID) != nil {
		return nil, session.ErrExists
	}
	from, err := origin.live(replace.From)
	if replace.FromPending {
		if err != nil {
			return nil, err
		}
		if !from.pending {
			return nil, session.ErrNotFound
		}
	}

	var ended []session.Ended
	end := func(sh *shard, e *entry, cause session.Cause) {
		sh.end(e, record(replace.Because(cause)))
		ended = append(ended, e.ended())
	}
	switch {
	case from == nil:
	case from.pending:
		end(origin, from, session.CauseAnswered)
	default:
		end(origin, from, session.CauseReplaced)
	}
	if replace.Others {
		for _, e := range home.signedIn(started.User) {
			end(home, e, session.CauseTerminated)
		}
	}
	for _, e := range home.excess(started, replace.Max) {
		end(home, e, session.CauseMaxSessions)
	}
	home.forgetOverdue(started.Created, overduePerStart)
	home.add(newEntry(started))
	return ended, nil
}

// signedIn are the live sessions of the user that are not pending, in the order
// in which they started.
func (sh *shard) signedIn(user string) []*entry {
	var found []*entry
	for e := sh.users[user].first; e != nil; e = e.later {
		if !e.pending {
			found = append(found, e)
		}
	}
	return found
}

// excess are the sessions that must end for started to be one of the maximum.
func (sh *shard) excess(started session.Session, maximum int) []*entry {
	if maximum <= 0 {
		return nil
	}
	counted := slices.DeleteFunc(sh.signedIn(started.User), func(e *entry) bool {
		return !started.Created.Before(e.limit)
	})
	slices.SortStableFunc(counted, func(a, b *entry) int { return a.created.Compare(b.created) })
	room := maximum
	if !started.Pending {
		room--
	}
	return counted[:max(0, len(counted)-room)]
}

// lock locks the shards of a session and of the one that it came from, if any,
// in the one order that all calls keep. They can be the same.
func (s *Store) lock(id, from session.ID) (home, origin *shard) {
	i := index(id.Shard())
	j := i
	if !from.IsZero() {
		j = index(from.Shard())
	}
	s.shards[min(i, j)].lock()
	if i != j {
		s.shards[max(i, j)].lock()
	}
	return &s.shards[i], &s.shards[j]
}

func (s *Store) unlock(home, origin *shard) {
	home.unlock()
	if origin != home {
		origin.unlock()
	}
}
