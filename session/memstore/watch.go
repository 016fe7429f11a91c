package memstore

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mooring-go/mooring/session"
)

var _ session.Watcher = (*Store)(nil)

// maxPending is how many changes wait for one watcher at the most.
const maxPending = 1 << 16

// watchers are those who are told of changes. While there are none, a change costs
// one look at a pointer.
type watchers struct {
	mu  sync.Mutex // held to change all
	all atomic.Pointer[[]*watcher]
}

// A watcher holds the changes that one call of Watch has yet to tell.
type watcher struct {
	mu      sync.Mutex
	pending []session.Change
	missed  bool          // pending was full
	wake    chan struct{} // has a value while there is something to tell
}

// tell has each watcher told of the change. It waits for none of them. It is called
// with the shard's lock, so that the changes of a session stay in order.
func (w *watchers) tell(change session.Change) {
	all := w.all.Load()
	if all == nil {
		return
	}
	for _, one := range *all {
		one.add(change)
	}
}

func (w *watcher) add(change session.Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.missed:
	case len(w.pending) == maxPending:
		w.pending, w.missed = nil, true
	default:
		w.pending = append(w.pending, change)
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// take returns what there is to tell, and that everything before the instant heard
// is among it.
func (w *watcher) take() (changes []session.Change, missed bool, heard time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	changes, missed, heard = w.pending, w.missed, time.Now()
	w.pending, w.missed = nil, false
	return changes, missed, heard
}

// change adds a watcher or removes one.
func (w *watchers) change(edit func([]*watcher) []*watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var before []*watcher
	if all := w.all.Load(); all != nil {
		before = *all
	}
	after := edit(slices.Clone(before))
	if len(after) == 0 {
		w.all.Store(nil)
		return
	}
	w.all.Store(&after)
}

// Watch tells of each change, as [session.Watcher] says. Nothing is ever lost but by
// a caller that is so slow that 65,536 changes wait for it.
func (s *Store) Watch(ctx context.Context, every time.Duration, tell func(session.Change)) error {
	if every <= 0 {
		every = session.DefaultWatchEvery
	}
	w := &watcher{wake: make(chan struct{}, 1)}
	s.watchers.change(func(all []*watcher) []*watcher { return append(all, w) })
	defer s.watchers.change(func(all []*watcher) []*watcher {
		return slices.DeleteFunc(all, func(other *watcher) bool { return other == w })
	})
	tell(session.Change{Kind: session.ChangeConnected, Heard: time.Now()})
	beat := time.NewTicker(every)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.wake:
		case <-beat.C:
		}
		changes, missed, heard := w.take()
		if missed {
			tell(session.Change{Kind: session.ChangeLost})
			tell(session.Change{Kind: session.ChangeConnected, Heard: heard})
			continue
		}
		for _, change := range changes {
			tell(change)
		}
		tell(session.Change{Kind: session.ChangeHeard, Heard: heard})
	}
}
