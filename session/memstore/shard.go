package memstore

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/mooring-go/mooring/session"
)

// shardBits is the binary logarithm of the number of shards: enough that the
// cores of a large machine seldom meet at a lock.
const shardBits = 8

// A shard holds all sessions of the users that [session.Shard] places there, so that a
// step over the sessions of one user needs one lock. Reading one session needs none,
// except while a step changes several: a reader sees either none of them changed, or
// all.
type shard struct {
	entries table
	turns   atomic.Uint64 // odd while a step changes several entries
	mu      sync.Mutex    // held to change entries, and for what follows

	users  map[string]live // of each user that has any
	limits limits          // of the live entries
	keeps  limits          // of the ended ones

	watchers *watchers // of the store
	_        [64]byte  // keeps neighbours off this cache line
}

// lock and unlock are for a step that changes several entries. A step that changes one
// needs mu alone.
func (sh *shard) lock() {
	sh.mu.Lock()
	sh.turns.Add(1)
}

func (sh *shard) unlock() {
	sh.turns.Add(1)
	sh.mu.Unlock()
}

// liveWithoutLock returns what live does, to a caller who does not hold the lock.
func (sh *shard) liveWithoutLock(id session.ID) (*entry, error) {
	if turn := sh.turns.Load(); turn%2 == 0 {
		e, err := sh.live(id)
		if sh.turns.Load() == turn {
			return e, err
		}
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.live(id)
}

// usedAtOnce returns the latest use of a live session; nil: it does not live, or a step
// that changes several sessions would have to be waited for. The caller does not hold the
// lock.
func (sh *shard) usedAtOnce(id *session.ID) *use {
	turn := sh.turns.Load()
	e := sh.entries.find(id)
	if turn%2 != 0 || e == nil || e.ending.Load() != nil || sh.turns.Load() != turn {
		return nil
	}
	return e.use.Load()
}

// live are the live sessions of one user, in the order in which they started.
type live struct{ first, last *entry }

// index returns the place of the shard that session.Shard names.
func index(name string) int {
	var bits uint32
	for i := range len(name) {
		bits = bits<<8 | uint32(name[i])
	}
	return int(bits * 0x9E3779B1 >> (32 - shardBits)) // Fibonacci hashing
}

// live returns the entry of a live session, or the error of one that is not.
func (sh *shard) live(id session.ID) (*entry, error) {
	switch e := sh.entries.find(&id); {
	case e == nil:
		return nil, session.ErrNotFound
	case e.ending.Load() != nil:
		return nil, &session.EndedError{Ended: e.ended()}
	default:
		return e, nil
	}
}

// add makes e live, until its limit at the latest.
func (sh *shard) add(e *entry, limit time.Time) {
	user := sh.users[e.user]
	if user.last == nil {
		user.first = e
	} else {
		e.user, e.earlier, user.last.later = user.last.user, user.last, e
	}
	user.last = e
	sh.users[e.user] = user
	sh.entries.add(e)
	sh.limits.add(e, limit)
}

// end makes a live session an ended one.
func (sh *shard) end(e *entry, ending *session.Ending) {
	sh.unlink(e)
	sh.limits.remove(e)
	e.ending.Store(ending)
	sh.keeps.add(e, ending.Keep)
	sh.watchers.tell(session.Change{Kind: session.ChangeEnded, ID: e.id, User: e.user, Cause: ending.Cause})
}

// forget drops the entry, live or not.
func (sh *shard) forget(e *entry) {
	if e.ending.Load() == nil {
		sh.unlink(e)
		sh.limits.remove(e)
	} else {
		sh.keeps.remove(e)
	}
	sh.entries.remove(e)
}

// candidate returns a live session as [session.Replace] judges it.
func (sh *shard) candidate(e *entry) session.Candidate { return e.candidate(sh.limits[e.place].at) }

// unlink takes e from the live sessions of its user.
func (sh *shard) unlink(e *entry) {
	user := sh.users[e.user]
	if e.earlier == nil {
		user.first = e.later
	} else {
		e.earlier.later = e.later
	}
	if e.later == nil {
		user.last = e.earlier
	} else {
		e.later.earlier = e.earlier
	}
	e.earlier, e.later = nil, nil
	if user.first == nil {
		delete(sh.users, e.user)
		return
	}
	sh.users[e.user] = user
}
