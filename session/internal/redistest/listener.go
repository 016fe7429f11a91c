package redistest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sessiontest"
)

// WatchEvery is how often the watch of a [Listener] beats.
const WatchEvery = 50 * time.Millisecond

// A WatchedStore is a store that tells of changes.
type WatchedStore interface {
	session.Store
	session.Watcher
}

// A Listener has what a watch of a store was told.
type Listener struct {
	*testing.T
	store WatchedStore
	mu    sync.Mutex
	all   []session.Change
}

// Listen watches the store until the test is over.
func Listen(t *testing.T, store WatchedStore) *Listener {
	t.Helper()
	l := &Listener{T: t, store: store}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() {
		done <- store.Watch(ctx, WatchEvery, func(c session.Change) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.all = append(l.all, c)
		})
	}()
	t.Cleanup(func() {
		cancel()
		assert.ErrorIs(t, <-done, context.Canceled)
	})
	return l
}

// Hear is Listen, and returns once the watch hears.
func Hear(t *testing.T, store WatchedStore) *Listener {
	t.Helper()
	l := Listen(t, store)
	l.Since(0, "ChangeConnected", IsKind(session.ChangeConnected))
	return l
}

// Told returns the changes so far.
func (l *Listener) Told() []session.Change {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all[:len(l.all):len(l.all)]
}

// Since waits for a change that is wanted among those from the nth on.
func (l *Listener) Since(n int, what string, wanted func(session.Change) bool) session.Change {
	l.Helper()
	var found session.Change
	Until(l, what, func() bool {
		for _, c := range l.Told()[n:] {
			if wanted(c) {
				found = c
				return true
			}
		}
		return false
	})
	return found
}

// IsKind reports whether a change is of the kind.
func IsKind(kind session.ChangeKind) func(session.Change) bool {
	return func(c session.Change) bool { return c.Kind == kind }
}

// EndingOf reports whether a change is the ending of the session.
func EndingOf(id session.ID) func(session.Change) bool {
	return func(c session.Change) bool { return c.Kind == session.ChangeEnded && c.ID == id }
}

// A Host makes sessions and endings for a test.
type Host struct {
	Session func(user string) session.Session
	Ending  func(session.Cause) session.Ending
}

// EndingAll has users sign in and out all the time, until stop is called, which returns
// when each session had ended. It returns once one has.
func (h Host) EndingAll(t *testing.T, store session.Store) (stop func() map[session.ID]sessiontest.Span) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := map[session.ID]sessiontest.Span{}
	begun, first := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() {
		for ctx.Err() == nil {
			for _, user := range []string{"ada", "bob", "eve"} {
				s, called := h.Session(user), time.Now()
				step, done := context.WithTimeout(ctx, time.Second)
				if _, err := store.Start(step, s, session.Replace{}); err == nil {
					if _, err := store.End(step, s.ID, h.Ending(session.CauseSignedOut)); err == nil {
						ended[s.ID] = sessiontest.Span{Called: called, Returned: time.Now()}
						first()
					}
				}
				done()
			}
			time.Sleep(time.Millisecond)
		}
	})
	stop = sync.OnceValue(func() map[session.ID]sessiontest.Span {
		cancel()
		running.Wait()
		return ended
	})
	t.Cleanup(func() { stop() })
	Until(t, "a user to sign out", func() bool { return begun.Err() != nil })
	return stop
}

// Hears ends a session, checks that the watch tells of it, and returns its ID. A busy
// machine can lose the watch, which then says so: Hears ends another session.
func (h Host) Hears(l *Listener) session.ID {
	l.Helper()
	for began := time.Now(); ; {
		require.Less(l, time.Since(began), time.Minute, "the watch is lost time and again")
		before := len(l.Told())
		s := h.Session("ada")
		_, err := l.store.Start(l.Context(), s, session.Replace{})
		require.NoError(l, err)
		_, err = l.store.End(l.Context(), s.ID, h.Ending(session.CauseSignedOut))
		require.NoError(l, err)
		told := l.Since(before, "an ending", func(c session.Change) bool { return IsKind(session.ChangeLost)(c) || EndingOf(s.ID)(c) })
		if told.Kind == session.ChangeEnded {
			return s.ID
		}
		l.Since(before, "ChangeConnected", IsKind(session.ChangeConnected))
	}
}

// HearsAgain checks that a watch that has lost its server hears again, what ends from
// then on, and that it has kept no ending from its caller.
func (h Host) HearsAgain(l *Listener, stop func() map[session.ID]sessiontest.Span, before int) {
	l.Helper()
	l.Since(before, "ChangeConnected", IsKind(session.ChangeConnected))
	ended := stop()
	require.NotEmpty(l, ended)
	h.Hears(l)
	now := time.Now()
	l.Since(before, "ChangeHeard", func(c session.Change) bool {
		return c.Kind == session.ChangeHeard && c.Heard.After(now)
	})
	require.Empty(l, sessiontest.Untold(l.Told(), ended))
}
