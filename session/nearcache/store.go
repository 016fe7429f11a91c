package nearcache

import (
	"context"
	"time"

	"github.com/mooring-go/mooring/session"
)

// Store is a [session.Store] and [session.Watcher] that keeps what it read of another
// one. Make one with [New]. It is safe for concurrent use, and has no goroutine of its
// own. What else the other store is, a session.Journal say, session.StoreAs finds behind
// it.
type Store struct {
	session.Store // the one that is asked
	watcher       session.Watcher
	config        Config

	belief belief
	clock  clock
	shards [shards]shard
	kept   kept
}

var (
	_ session.Watcher     = (*Store)(nil)
	_ session.Snapshotter = (*Store)(nil)
)

// Unwrap returns the store that is asked.
func (s *Store) Unwrap() session.Store { return s.Store }

// Get returns the live session: what is kept of it, if that can be believed, and what
// the other store says otherwise.
func (s *Store) Get(ctx context.Context, id session.ID) (session.Session, error) {
	now := s.clock.process()
	known := s.belief.now.Load()
	sh := s.shard(id.Shard())
	if e := s.believed(sh, known, id, now); e != nil {
		return e.session, nil
	}
	generation := sh.generation()
	found, err := s.Store.Get(ctx, id)
	if err != nil || known == nil || found.Kind != session.KindSession {
		return found, err
	}
	if s.clock.compare(ctx, now) {
		s.keep(sh, generation, &entry{session: found, epoch: known.epoch, read: now})
	}
	return found, nil
}

// Snapshots returns how a session is read that is kept and can be believed, for the store
// itself.
func (s *Store) Snapshots(of session.Store) func(session.ID) session.Snapshot {
	if of != session.Store(s) {
		return nil
	}
	return func(id session.ID) session.Snapshot {
		now := s.clock.process()
		if e := s.believed(s.shard(id.Shard()), s.belief.now.Load(), id, now); e != nil {
			return e
		}
		return nil
	}
}

// believed returns what is kept of a session, if that can be believed, and otherwise nil.
func (s *Store) believed(sh *shard, known *known, id session.ID, now time.Time) *entry {
	if !known.holds(now, s.config.MaxStale) {
		return nil
	}
	if e := sh.get(id); e != nil && e.epoch == known.epoch && s.believes(e, now) {
		return e
	}
	return nil
}

const (
	// maxAge is for how long a session is kept after it was read: for as long as its
	// last use may go unrecorded.
	maxAge = time.Minute
	// margin is how far from its limit a session has to be.
	margin = time.Second
)

// believes reports whether what is kept can be taken for what the store has, but for
// changes. Near its limit a session can not: a use that was recorded since it was read
// moves its idle limit.
func (s *Store) believes(e *entry, now time.Time) bool {
	return elapsed(e.read, now) < maxAge && e.session.IdleAt().Sub(s.clock.now(now)) > margin
}

// elapsed returns how long ago a time was, by the monotonic clock or by the wall clock,
// whichever says more: the one stands still while a machine sleeps, the other is set.
func elapsed(since, now time.Time) time.Duration {
	return max(now.Sub(since), now.Round(0).Sub(since.Round(0)))
}

// Start makes started live. What it ends, and may have ended where it fails, is not
// believed any more when it returns.
func (s *Store) Start(ctx context.Context, started session.Session, replace session.Replace) ([]session.Ended, error) {
	defer s.dropUser(session.Shard(started.User))
	if !replace.Before.IsZero() {
		defer s.drop(replace.Before)
	}
	return s.Store.Start(ctx, started, replace)
}

// Touch records the use of a session, which is read again at its next use.
func (s *Store) Touch(ctx context.Context, id session.ID, seen session.Seen) error {
	defer s.drop(id)
	return s.Store.Touch(ctx, id, seen)
}

// Update changes the session in the store, and drops what the cache has of it.
func (s *Store) Update(ctx context.Context, id session.ID, update session.Update) (session.Session, error) {
	defer s.drop(id)
	return s.Store.Update(ctx, id, update)
}

// End ends a session, which is not believed to be live any more when it returns.
func (s *Store) End(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	defer s.drop(id)
	return s.Store.End(ctx, id, ending)
}

// EndUser ends the sessions of a user, none of which is believed to be live any more
// when it returns.
func (s *Store) EndUser(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error) {
	defer s.dropUser(session.Shard(user))
	return s.Store.EndUser(ctx, user, keep, ending, kinds...)
}
