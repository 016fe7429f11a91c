package rueidisstore_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/redistest"
	"github.com/mooring-go/mooring/session/rueidisstore"
	"github.com/mooring-go/mooring/session/sessiontest"
)

// A listener has what a watch was told.
type listener struct {
	*testing.T
	mu  sync.Mutex
	all []session.Change
}

const watchEvery = 50 * time.Millisecond

// listening watches the store until the test is over, and waits until it hears.
func listening(t *testing.T, store *rueidisstore.Store) *listener {
	t.Helper()
	l := &listener{T: t}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() {
		done <- store.Watch(ctx, watchEvery, func(c session.Change) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.all = append(l.all, c)
		})
	}()
	t.Cleanup(func() {
		cancel()
		assert.ErrorIs(t, <-done, context.Canceled)
	})
	l.since(0, "ChangeConnected", isKind(session.ChangeConnected))
	return l
}

func (l *listener) told() []session.Change {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all[:len(l.all):len(l.all)]
}

// since waits for a change that is wanted among those from the nth on.
func (l *listener) since(n int, what string, wanted func(session.Change) bool) session.Change {
	l.Helper()
	var found session.Change
	redistest.Until(l, what, func() bool {
		for _, c := range l.told()[n:] {
			if wanted(c) {
				found = c
				return true
			}
		}
		return false
	})
	return found
}

func isKind(kind session.ChangeKind) func(session.Change) bool {
	return func(c session.Change) bool { return c.Kind == kind }
}

func endingOf(id session.ID) func(session.Change) bool {
	return func(c session.Change) bool { return c.Kind == session.ChangeEnded && c.ID == id }
}

// endingAll has users sign in and out all the time, until stop is called, which returns
// when each session had ended.
func endingAll(t *testing.T, store *rueidisstore.Store) (stop func() map[session.ID]sessiontest.Span) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := map[session.ID]sessiontest.Span{}
	var running sync.WaitGroup
	running.Go(func() {
		for ctx.Err() == nil {
			for _, user := range []string{"ada", "bob", "eve"} {
				s, called := newSession(user), time.Now()
				step, done := context.WithTimeout(ctx, time.Second)
				if _, err := store.Start(step, s, session.Replace{}); err == nil {
					if _, err := store.End(step, s.ID, newEnding(session.CauseSignedOut)); err == nil {
						ended[s.ID] = sessiontest.Span{Called: called, Returned: time.Now()}
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
	return stop
}

// hearsAgain checks that a watch that has lost its server hears again, what ends from
// then on, and that it has kept no ending from its caller.
func (l *listener) hearsAgain(store *rueidisstore.Store, stop func() map[session.ID]sessiontest.Span, before int) {
	l.Helper()
	l.since(before, "ChangeConnected", isKind(session.ChangeConnected))
	ended := stop()
	require.NotEmpty(l, ended)
	s := signedIn(l.T, store, "ada")
	_, err := store.End(l.Context(), s.ID, newEnding(session.CauseSignedOut))
	require.NoError(l, err)
	l.since(before, "an ending", endingOf(s.ID))
	require.Empty(l, sessiontest.Untold(l.told(), ended))
}

// A server that says nothing, with its connections open, is noticed in time.
func TestWatchNoticesSilence(t *testing.T) {
	t.Parallel()
	store, server := alone(t)
	l := listening(t, store)
	stop := endingAll(t, store)
	time.Sleep(5 * watchEvery)
	server.Hang(t)
	before, silent := len(l.told()), time.Now()
	lost := l.since(before, "ChangeLost", isKind(session.ChangeLost))
	require.Less(t, time.Since(silent), 4*time.Second)
	require.Error(t, lost.Err)
	server.Resume(t)
	l.hearsAgain(store, stop, before)
}

func TestWatchFollowsAFailover(t *testing.T) {
	t.Parallel()
	store, master, _, _ := watched(t)
	l := listening(t, store)
	stop := endingAll(t, store)
	time.Sleep(5 * watchEvery)
	before := len(l.told())
	master.Stop()
	l.since(before, "ChangeLost", isKind(session.ChangeLost))
	l.hearsAgain(store, stop, before)
}

// A failover that is asked for leaves the old master running, as a replica.
func TestWatchFollowsAPlannedFailover(t *testing.T) {
	t.Parallel()
	store, _, _, sentinel := watched(t)
	l := listening(t, store)
	stop := endingAll(t, store)
	time.Sleep(5 * watchEvery)
	before := len(l.told())
	sentinel.Do(t, "SENTINEL", "FAILOVER", redistest.MasterSet)
	l.since(before, "ChangeLost", isKind(session.ChangeLost))
	l.hearsAgain(store, stop, before)
}

// A slot of a Cluster moves, and then one of its masters hangs.
func TestWatchFollowsACluster(t *testing.T) {
	t.Parallel()
	nodes := redistest.Cluster(t, "--cluster-node-timeout", "60000")
	store := open(t, dial(t, nodes))
	l := listening(t, store)
	s := signedIn(t, store, "ada")
	stop := endingAll(t, store)
	time.Sleep(5 * watchEvery)
	before := len(l.told())
	move(t, nodes, keyOf(s.ID))
	l.since(before, "ChangeLost", isKind(session.ChangeLost))
	l.since(before, "ChangeConnected", isKind(session.ChangeConnected))
	_, err := store.End(t.Context(), s.ID, newEnding(session.CauseSignedOut))
	require.NoError(t, err)
	l.since(before, "an ending", endingOf(s.ID))
	l.hearsAgain(store, stop, before)

	nodes[0].Hang(t)
	before = len(l.told())
	l.since(before, "ChangeLost", isKind(session.ChangeLost))
	nodes[0].Resume(t)
	l.since(before, "ChangeConnected", isKind(session.ChangeConnected))
}

// move moves the slot of a key, with all that is in it, to another node.
func move(t *testing.T, nodes []*redistest.Server, key string) {
	t.Helper()
	slot := nodes[0].Do(t, "CLUSTER", "KEYSLOT", key)
	var from, to *redistest.Server
	for _, node := range nodes {
		if _, err := redistest.Do(node.Addr, "EXISTS", key); err == nil {
			from = node
		} else {
			to = node
		}
	}
	fromID, toID := from.Do(t, "CLUSTER", "MYID"), to.Do(t, "CLUSTER", "MYID")
	to.Do(t, "CLUSTER", "SETSLOT", slot, "IMPORTING", fromID)
	from.Do(t, "CLUSTER", "SETSLOT", slot, "MIGRATING", toID)
	redistest.Until(t, "all keys to move", func() bool {
		for _, key := range from.Do(t, "CLUSTER", "GETKEYSINSLOT", slot, 1000).([]any) {
			if _, err := redistest.Do(from.Addr, "MIGRATE", "127.0.0.1", to.Port, key, 0, 5000); err != nil {
				return false
			}
		}
		return from.Do(t, "CLUSTER", "COUNTKEYSINSLOT", slot) == int64(0)
	})
	to.Do(t, "CLUSTER", "SETSLOT", slot, "NODE", toID)
	from.Do(t, "CLUSTER", "SETSLOT", slot, "NODE", toID)
}

// A user who may not publish can do all else, and its watch says what is missing.
func TestRightsToWatch(t *testing.T) {
	t.Parallel()
	server := redistest.Run(t)
	store := open(t, limited(t, []*redistest.Server{server}))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var lost session.Change
	_ = store.Watch(ctx, watchEvery, func(c session.Change) { lost = c; cancel() })
	require.Equal(t, session.ChangeLost, lost.Kind)
	require.ErrorContains(t, lost.Err, "NOPERM")

	store = open(t, limited(t, []*redistest.Server{server}, "&"+prefix+":*", "+publish", "+subscribe", "+unsubscribe", "+ping"))
	l := listening(t, store)
	s := signedIn(t, store, "ada")
	_, err := store.End(t.Context(), s.ID, newEnding(session.CauseSignedOut))
	require.NoError(t, err)
	l.since(0, "an ending", endingOf(s.ID))
}

// A watch that is over leaves no connection, and no goroutine that belongs to it.
func TestWatchLeavesNothing(t *testing.T) {
	store, server := alone(t)
	connections := func() string {
		all := server.Do(t, "CLIENT", "LIST", "TYPE", "pubsub").(string)
		return strings.TrimSpace(all)
	}
	for range 5 {
		ctx, cancel := context.WithCancel(t.Context())
		require.ErrorIs(t, store.Watch(ctx, watchEvery, func(session.Change) { cancel() }), context.Canceled)
	}
	redistest.Until(t, "the connections to be closed", func() bool { return connections() == "" })
	redistest.Until(t, "the goroutines to end", func() bool {
		stacks := make([]byte, 1<<20)
		return !strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "redisbase.(*Store)")
	})
}
