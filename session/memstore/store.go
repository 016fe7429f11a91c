package memstore

import (
	"context"
	"errors"
	"time"

	"github.com/mooring-go/mooring/session"
)

// Store is a [session.Store] in memory. Make one with [New]. It is safe for concurrent
// use and has no goroutine of its own.
//
// No method waits, so none but Sweep looks at its context, and none fails but as the
// contract says.
//
// Call Sweep now and then to free the memory of sessions that nobody came back for. A
// store that is never swept stays bounded all the same: each Start forgets up to two
// overdue sessions or endings, as of the new session's Created.
type Store struct {
	shards   [1 << shardBits]shard
	watchers watchers
}

var _ session.Snapshotter = (*Store)(nil)

// New returns an empty store.
func New() *Store {
	s := new(Store)
	for i := range s.shards {
		s.shards[i].entries.init()
		s.shards[i].users = make(map[string]live)
		s.shards[i].watchers = &s.watchers
	}
	return s
}

// InMemory does nothing. It marks a store that answers at once and never
// fails, so that [session.Manager] needs to set it no deadline.
func (s *Store) InMemory() {}

// Get returns the live session, or its ending. It waits for no lock, except while
// the sessions of a user that shares the shard are started or ended together.
func (s *Store) Get(_ context.Context, id session.ID) (found session.Session, err error) {
	e, err := s.shards[index(id.Shard())].liveWithoutLock(id)
	if err == nil {
		e.use.Load().read(&found)
	}
	return found, err
}

// Snapshots returns how a live session is read without copying it, for the store itself.
func (s *Store) Snapshots(of session.Store) func(session.ID) session.Snapshot {
	if of != session.Store(s) {
		return nil
	}
	return s.snapshot
}

func (s *Store) snapshot(id session.ID) session.Snapshot {
	if u := s.shards[index(id.Shard())].usedAtOnce(&id); u != nil {
		return u
	}
	return nil
}

// Touch records that a live session was used.
func (s *Store) Touch(_ context.Context, id session.ID, seen session.Seen) error {
	sh := &s.shards[index(id.Shard())]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e, err := sh.live(id)
	if err != nil {
		return err
	}
	if touched := e.session(); touched.Apply(seen, time.Now().Round(0).UTC()) {
		e.used(touched)
		sh.limits.move(e, touched.Deadline())
		if !seen.Drift.IsZero() {
			sh.watchers.tell(session.Change{Kind: session.ChangeUpdated, ID: e.id, User: e.user, Restricted: touched.Drift.Restricted})
		}
	}
	return nil
}

// Update makes the change in a live session and returns it as it is then.
func (s *Store) Update(_ context.Context, id session.ID, change session.Update) (session.Session, error) {
	sh := &s.shards[index(id.Shard())]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e, err := sh.live(id)
	if err != nil {
		return session.Session{}, err
	}
	changed := e.session()
	err = changed.Update(change)
	switch {
	case errors.Is(err, session.ErrConflict):
		return changed, err
	case err != nil:
		return session.Session{}, err
	}
	changed.Required = cloned(changed.Required)
	e.used(changed)
	sh.watchers.tell(session.Change{Kind: session.ChangeUpdated, ID: e.id, User: e.user, Restricted: changed.Drift.Restricted})
	return changed, nil
}

// End ends a live session and returns it.
func (s *Store) End(_ context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	sh := &s.shards[index(id.Shard())]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e, err := sh.live(id)
	if err != nil {
		return session.Session{}, err
	}
	sh.end(e, record(ending))
	return e.session(), nil
}
