package failover

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/nearcache"
)

// now is a little while ago, so that what comes a moment after it is past by every
// server's clock.
var now = time.Now().UTC().Truncate(time.Second).Add(123_456_789 - 10*time.Second)

func newSession(user string) session.Session {
	return session.Session{
		ID: session.NewToken(user).ID(), User: user, Name: user, Method: "password", Stage: "login",
		Created: now, LastSeen: now, IP: netip.MustParseAddr("203.0.113.7"), Expires: now.Add(2 * time.Hour),
	}
}

func newEnding() session.Ending {
	return session.Ending{Cause: session.CauseRevoked, Time: now, Keep: now.Add(time.Hour), Journal: true}
}

// started makes a session of the user live.
func started(t *testing.T, store session.Store, user string) session.ID {
	t.Helper()
	s := newSession(user)
	_, err := store.Start(t.Context(), s, session.Replace{})
	require.NoError(t, err)
	return s.ID
}

// lives reports whether the session does; one of which nothing is known does not.
func lives(t *testing.T, store session.Store, id session.ID) bool {
	t.Helper()
	_, err := store.Get(t.Context(), id)
	if _, over := errors.AsType[*session.EndedError](err); over || errors.Is(err, session.ErrNotFound) {
		return false
	}
	require.NoError(t, err)
	return true
}

// An outage is the longest time between two steps that succeeded.
type outage struct {
	mu      sync.Mutex
	last    time.Time
	longest time.Duration
	slowest time.Duration // of the steps that failed
	done    int
	failed  map[string]int // by error
}

// note takes what a step returned that began at the time.
func (o *outage) note(began time.Time, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil {
		if o.failed == nil {
			o.failed = map[string]int{}
		}
		o.failed[err.Error()]++
		o.slowest = max(o.slowest, time.Since(began))
		return
	}
	if !o.last.IsZero() {
		o.longest = max(o.longest, time.Since(o.last))
	}
	o.last = time.Now()
	o.done++
}

// since reports whether steps have succeeded that began after the time.
func (o *outage) since(at time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last.After(at)
}

func (o *outage) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	failed := 0
	for _, n := range o.failed {
		failed += n
	}
	return fmt.Sprintf("%d ms without an answer, %d of %d steps failed, the slowest after %d ms",
		o.longest.Milliseconds(), failed, failed+o.done, o.slowest.Milliseconds())
}

// A host is an application that is in use: it reads a live session over and over, and
// signs users in and out, each step within session.DefaultStoreTimeout.
type host struct {
	store session.Store
	live  session.ID // of a session that nobody ends

	reads, writes outage

	mu    sync.Mutex
	ended []session.ID // whose ending was confirmed

	stop func()
}

// somebody is whose sessions a host has, so that all of them are on one node of a Cluster.
const somebody = "somebody"

// use lets a host use the store until it is stopped.
func use(t *testing.T, store session.Store) *host {
	t.Helper()
	h := &host{store: store, live: started(t, store, somebody)}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	h.stop = func() { cancel(); running.Wait() }
	t.Cleanup(h.stop)
	repeat := func(do func()) {
		running.Go(func() {
			for ctx.Err() == nil {
				do()
				time.Sleep(2 * time.Millisecond)
			}
		})
	}
	bounded := func(step func(context.Context) error, o *outage) error {
		ctx, cancel := context.WithTimeout(ctx, session.DefaultStoreTimeout)
		defer cancel()
		began := time.Now()
		err := step(ctx)
		if errors.Is(err, context.Canceled) {
			return err // the host was stopped
		}
		o.note(began, err)
		return err
	}
	for range 2 {
		repeat(func() {
			err := bounded(func(ctx context.Context) error { _, err := store.Get(ctx, h.live); return err }, &h.reads)
			_, over := errors.AsType[*session.EndedError](err)
			assert.False(t, over || errors.Is(err, session.ErrNotFound), "a failing store signs nobody out: %v", err)
		})
	}
	for range 2 {
		repeat(func() {
			s := newSession(somebody)
			if bounded(func(ctx context.Context) error { _, err := store.Start(ctx, s, session.Replace{}); return err }, &h.writes) != nil {
				return
			}
			if bounded(func(ctx context.Context) error { _, err := store.End(ctx, s.ID, newEnding()); return err }, &h.writes) == nil {
				h.mu.Lock()
				h.ended = append(h.ended, s.ID)
				h.mu.Unlock()
			}
		})
	}
	return h
}

// confirmed returns the sessions whose ending was.
func (h *host) confirmed() []session.ID {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ended[:len(h.ended):len(h.ended)]
}

// busy waits until the host has ended n more sessions.
func (h *host) busy(t *testing.T, n int) {
	t.Helper()
	before := len(h.confirmed())
	until(t, "the host to sign users out", func() bool { return len(h.confirmed()) >= before+n })
}

// recovers waits until the host is answered again, and says what it saw of the failover.
func (h *host) recovers(t *testing.T, what string) {
	t.Helper()
	at := time.Now()
	until(t, "reads and writes", func() bool { return h.reads.since(at) && h.writes.since(at) })
	h.stop()
	t.Logf("%s: reads: %v", what, &h.reads)
	t.Logf("%s: writes: %v", what, &h.writes)
}

// undone returns how many of the sessions live again whose ending was confirmed.
func (h *host) undone(t *testing.T) int {
	t.Helper()
	n := 0
	for _, id := range h.confirmed() {
		if lives(t, h.store, id) {
			n++
		}
	}
	return n
}

const maxStale = 400 * time.Millisecond

// A listener hears the changes of a store, by a near cache in front of it.
type listener struct {
	*nearcache.Store
	mu    sync.Mutex
	heard time.Time // up to when all changes are known
	at    time.Time // when that was known
}

// listen has a near cache in front of the store until the test is over.
func listen(t *testing.T, store session.Store) *listener {
	t.Helper()
	cache, err := nearcache.New(store, nearcache.Config{MaxStale: maxStale})
	require.NoError(t, err)
	l := &listener{Store: cache}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cache.Watch(ctx, 0, func(c session.Change) {
			if c.Kind == session.ChangeConnected || c.Kind == session.ChangeHeard {
				l.mu.Lock()
				defer l.mu.Unlock()
				l.heard, l.at = c.Heard, time.Now()
			}
		})
	}()
	t.Cleanup(func() { cancel(); <-done })
	until(t, "the near cache", func() bool { return !l.heardAfter(time.Time{}).IsZero() })
	return l
}

// heardAfter returns when it was known what has changed up to a time after the given one;
// zero if that is not known yet.
func (l *listener) heardAfter(after time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.heard.After(after) {
		return time.Time{}
	}
	return l.at
}

// recovers waits until the near cache hears of changes of the server that took over after
// the time, and checks that it does. It need not have noticed a quick failover that lost
// nothing.
func (l *listener) recovers(t *testing.T, after time.Time, direct session.Store) {
	t.Helper()
	var at time.Time
	until(t, "the near cache to hear of changes", func() bool { at = l.heardAfter(after); return !at.IsZero() })
	t.Logf("near cache: hears of changes again after %d ms at the latest", at.Sub(after).Milliseconds())
	id := started(t, direct, "ada")
	require.True(t, lives(t, l, id))
	_, err := direct.End(t.Context(), id, newEnding())
	require.NoError(t, err)
	ended := time.Now()
	var live time.Time // when it was last asked for and lived
	until(t, "the near cache to hear of the ending", func() bool {
		called := time.Now()
		lives := lives(t, l, id)
		if lives {
			live = called
		}
		return !lives
	})
	require.LessOrEqual(t, live.Sub(ended), maxStale)
}
