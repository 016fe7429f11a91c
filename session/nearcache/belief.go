package nearcache

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mooring-go/mooring/session"
)

// A belief is what the changes that are heard allow to be believed.
type belief struct {
	now    atomic.Pointer[known] // nil: nothing
	mu     sync.Mutex            // held to change now, and for what follows
	from   *watch                // whose changes count; nil: none are heard
	epochs uint64
}

// known is up to when changes are known. What was read in its epoch, which began when
// changes could be heard, has changed by then only as was told.
type known struct {
	epoch uint64
	heard time.Time
}

// holds reports whether changes are known up to a time that is near enough.
func (k *known) holds(now time.Time, maxStale time.Duration) bool {
	return k != nil && elapsed(k.heard, now) <= maxStale
}

// A watch is one call of Watch.
type watch struct{ connected bool }

// Watch tells of the other store's changes, each once what is kept of it was dropped.
// While one call runs, what was read is kept. Several may run; each hears by itself.
func (s *Store) Watch(ctx context.Context, every time.Duration, tell func(session.Change)) error {
	if every <= 0 {
		every = session.DefaultWatchEvery
	}
	w := &watch{}
	defer s.heed(w, session.Change{Kind: session.ChangeLost})
	return s.watcher.Watch(ctx, min(every, s.config.MaxStale/4), func(c session.Change) {
		s.heed(w, c)
		tell(c)
	})
}

// heed does what a change asks for.
func (s *Store) heed(w *watch, c session.Change) {
	b := &s.belief
	b.mu.Lock()
	defer b.mu.Unlock()
	switch c.Kind {
	case session.ChangeConnected:
		w.connected = true
		if b.from == nil || b.from == w {
			b.from = w
			s.begin(c.Heard)
		}
	case session.ChangeHeard:
		switch {
		case b.from == w:
			b.now.Store(&known{b.epochs, c.Heard})
		case b.from == nil && w.connected: // the one that was heard before has ended
			b.from = w
			s.begin(c.Heard)
		}
	case session.ChangeLost:
		w.connected = false
		if b.from == w {
			b.from = nil
			b.now.Store(nil)
			s.dropAll()
		}
	default:
		s.drop(c.ID)
	}
}

// begin begins an epoch: nothing is kept of what was read before.
func (s *Store) begin(heard time.Time) {
	s.belief.epochs++
	s.belief.now.Store(&known{s.belief.epochs, heard})
	s.dropAll()
}
