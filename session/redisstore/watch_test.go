package redisstore_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/redisstore"
	"github.com/mooring-go/mooring/session/sessiontest"
)

// A listener has what a watch was told.
type listener struct {
	*testing.T
	mu  sync.Mutex
	all []session.Change
}

const watchEvery = 50 * time.Millisecond

// listening watches the store until the test is over.
func listening(t *testing.T, store *redisstore.Store) *listener {
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
	until(l, what, func() bool {
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
func endingAll(t *testing.T, store *redisstore.Store) (stop func() map[session.ID]sessiontest.Span) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := map[session.ID]sessiontest.Span{}
	var running sync.WaitGroup
	running.Go(func() {
		for ctx.Err() == nil {
			for _, user := range []string{"ada", "bob", "eve"} {
				s, called := newSession(user), time.Now()
				if _, err := store.Start(ctx, s, session.Replace{}); err != nil {
					continue
				}
				if _, err := store.End(ctx, s.ID, newEnding(session.CauseSignedOut)); err == nil {
					ended[s.ID] = sessiontest.Span{Called: called, Returned: time.Now()}
				}
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
func (l *listener) hearsAgain(store *redisstore.Store, stop func() map[session.ID]sessiontest.Span, before int) {
	l.Helper()
	l.since(before, "ChangeConnected", isKind(session.ChangeConnected))
	ended := stop()
	require.NotEmpty(l, ended)
	_, s := signedIn(l.T, store)
	_, err := store.End(l.Context(), s.ID, newEnding(session.CauseSignedOut))
	require.NoError(l, err)
	l.since(before, "an ending", endingOf(s.ID))
	now := time.Now()
	l.since(before, "ChangeHeard", func(c session.Change) bool {
		return c.Kind == session.ChangeHeard && c.Heard.After(now)
	})
	require.Empty(l, sessiontest.Untold(l.told(), ended))
}

// A server that says nothing, with its connections open, is noticed in time.
func TestWatchNoticesSilence(t *testing.T) {
	t.Parallel()
	server := run(t)
	store, _ := open(t, dial(t, server.Addr))
	l := listening(t, store)
	l.since(0, "ChangeConnected", isKind(session.ChangeConnected))
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
	client, master, _, _ := watched(t)
	store, _ := open(t, client)
	l := listening(t, store)
	l.since(0, "ChangeConnected", isKind(session.ChangeConnected))
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
	client, _, _, sentinel := watched(t)
	store, _ := open(t, client)
	l := listening(t, store)
	l.since(0, "ChangeConnected", isKind(session.ChangeConnected))
	stop := endingAll(t, store)
	time.Sleep(5 * watchEvery)
	before := len(l.told())
	require.NoError(t, dial(t, sentinel.Addr).Do(t.Context(), "SENTINEL", "FAILOVER", "mooring").Err())
	l.since(before, "ChangeLost", isKind(session.ChangeLost))
	l.hearsAgain(store, stop, before)
}

func TestWatchFollowsASlot(t *testing.T) {
	t.Parallel()
	client := cluster(t)
	store, prefix := open(t, client)
	l := listening(t, store)
	l.since(0, "ChangeConnected", isKind(session.ChangeConnected))
	_, s := signedIn(t, store)
	m := newMove(t, client, prefix+":{"+session.Shard("ada")+"}:")
	stop := endingAll(t, store) // of ada it fails until the slot has moved
	for _, key := range m.keys() {
		m.one(key)
	}
	before := len(l.told())
	m.finish()
	l.since(before, "ChangeLost", isKind(session.ChangeLost))
	l.since(before, "ChangeConnected", isKind(session.ChangeConnected))
	_, err := store.End(t.Context(), s.ID, newEnding(session.CauseSignedOut))
	require.NoError(t, err)
	l.since(before, "an ending", endingOf(s.ID))
	l.hearsAgain(store, stop, before)
}

func TestWatchFollowsAMasterOfACluster(t *testing.T) {
	t.Parallel()
	client, nodes := clusterOf(t)
	store, _ := open(t, client)
	l := listening(t, store)
	l.since(0, "ChangeConnected", isKind(session.ChangeConnected))
	nodes[0].Hang(t)
	before := len(l.told())
	l.since(before, "ChangeLost", isKind(session.ChangeLost))
	nodes[0].Resume(t)
	l.since(before, "ChangeConnected", isKind(session.ChangeConnected))
}

// A user who may not publish can do all else, and its watch says what is missing.
func TestRightsToWatch(t *testing.T) {
	t.Parallel()
	server := dial(t, run(t).Addr)
	const prefix = "shop"
	with := func(more ...any) *redisstore.Store {
		client := limited(t, server, prefix, rights)
		require.NoError(t, server.Do(t.Context(), append([]any{"ACL", "SETUSER", "mooring"}, more...)...).Err())
		store, err := redisstore.New(client, redisstore.Config{Prefix: prefix})
		require.NoError(t, err)
		return store
	}
	l := listening(t, with())
	lost := l.since(0, "ChangeLost", isKind(session.ChangeLost))
	require.ErrorContains(t, lost.Err, "NOPERM")

	store := with("&"+prefix+":*", "+publish", "+subscribe", "+unsubscribe", "+ping")
	l = listening(t, store)
	l.since(0, "ChangeConnected", isKind(session.ChangeConnected))
	_, s := signedIn(t, store)
	_, err := store.End(t.Context(), s.ID, newEnding(session.CauseSignedOut))
	require.NoError(t, err)
	l.since(0, "an ending", endingOf(s.ID))
}

// A message that no release publishes is passed over, and so is one of a later one.
func TestWatchPassesOverStrangeMessages(t *testing.T) {
	t.Parallel()
	client := shared(t)
	store, prefix := open(t, client)
	l := listening(t, store)
	l.since(0, "ChangeConnected", isKind(session.ChangeConnected))
	id := session.NewToken("ada").ID().String()
	for _, message := range []string{"", "E", "Z" + id + " ada", "E" + id, "E" + id[1:] + "! ada", "E" + id + "\xff"} {
		require.NoError(t, client.Publish(t.Context(), prefix+":changes", message).Err())
	}
	_, s := signedIn(t, store)
	_, err := store.End(t.Context(), s.ID, newEnding(session.CauseSignedOut))
	require.NoError(t, err)
	l.since(0, "an ending", endingOf(s.ID))
	for _, c := range l.told() {
		require.True(t, c.ID.IsZero() || c.ID == s.ID, "%v", c)
	}
}
