package redisstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/redistest"
	"github.com/mooring-go/mooring/session/redisstore"
)

// host makes what the tests of watches sign in and end.
var host = redistest.Host{Session: newSession, Ending: newEnding}

// A server that says nothing, with its connections open, is noticed in time.
func TestWatchNoticesSilence(t *testing.T) {
	t.Parallel()
	server := redistest.Run(t)
	store, _ := open(t, dial(t, server.Addr))
	l := redistest.Hear(t, store)
	stop := host.EndingAll(t, store)

	server.Hang(t)
	before := len(l.Told())
	lost := l.Since(before, "ChangeLost", redistest.IsKind(session.ChangeLost))
	require.ErrorContains(t, lost.Err, "nothing was heard for 1s")
	server.Resume(t)
	host.HearsAgain(l, stop, before)
}

func TestWatchFollowsAFailover(t *testing.T) {
	t.Parallel()
	client, master, _, _ := watched(t)
	store, _ := open(t, client)
	l := redistest.Hear(t, store)
	stop := host.EndingAll(t, store)
	before := len(l.Told())
	master.Stop()
	l.Since(before, "ChangeLost", redistest.IsKind(session.ChangeLost))
	host.HearsAgain(l, stop, before)
}

// A failover that is asked for leaves the old master running, as a replica.
func TestWatchFollowsAPlannedFailover(t *testing.T) {
	t.Parallel()
	client, _, _, sentinel := watched(t)
	store, _ := open(t, client)
	l := redistest.Hear(t, store)
	stop := host.EndingAll(t, store)
	before := len(l.Told())
	sentinel.Failover(t)
	l.Since(before, "ChangeLost", redistest.IsKind(session.ChangeLost))
	host.HearsAgain(l, stop, before)
}

func TestWatchFollowsASlot(t *testing.T) {
	t.Parallel()
	client := cluster(t)
	store, prefix := open(t, client)
	l := redistest.Hear(t, store)
	_, _ = signedIn(t, store)
	m := newMove(t, client, prefix+":{"+session.Shard("ada")+"}:")
	stop := host.EndingAll(t, store) // of ada it fails until the slot has moved
	for _, key := range m.keys() {
		m.one(key)
	}
	before := len(l.Told())
	m.finish()
	l.Since(before, "ChangeLost", redistest.IsKind(session.ChangeLost))
	l.Since(before, "ChangeConnected", redistest.IsKind(session.ChangeConnected))
	host.Hears(l) // of ada
	host.HearsAgain(l, stop, before)
}

func TestWatchFollowsAMasterOfACluster(t *testing.T) {
	t.Parallel()
	client, nodes := clusterOf(t)
	store, _ := open(t, client)
	l := redistest.Hear(t, store)
	nodes[0].Hang(t)
	before := len(l.Told())
	l.Since(before, "ChangeLost", redistest.IsKind(session.ChangeLost))
	nodes[0].Resume(t)
	l.Since(before, "ChangeConnected", redistest.IsKind(session.ChangeConnected))
}

// A user who may not publish can do all else, and its watch says what is missing.
func TestRightsToWatch(t *testing.T) {
	t.Parallel()
	server := dial(t, redistest.Run(t).Addr)
	const prefix = "shop"
	with := func(more ...any) *redisstore.Store {
		client := limited(t, server, prefix, rights)
		require.NoError(t, server.Do(t.Context(), append([]any{"ACL", "SETUSER", "mooring"}, more...)...).Err())
		store, err := redisstore.New(client, redisstore.Config{Prefix: prefix})
		require.NoError(t, err)
		return store
	}
	l := redistest.Listen(t, with())
	lost := l.Since(0, "ChangeLost", redistest.IsKind(session.ChangeLost))
	require.ErrorContains(t, lost.Err, "NOPERM")

	store := with("&"+prefix+":*", "+publish", "+subscribe", "+unsubscribe", "+ping")
	l = redistest.Hear(t, store)
	host.Hears(l)
}

// A message that no release publishes is passed over, and so is one of a later one.
func TestWatchPassesOverStrangeMessages(t *testing.T) {
	t.Parallel()
	client := shared(t)
	store, prefix := open(t, client)
	l := redistest.Hear(t, store)
	id := session.NewToken("ada").ID().String()
	for _, message := range []string{"", "E", "Z" + id + " ada", "E" + id, "E" + id[1:] + "! ada", "E" + id + "\xff"} {
		require.NoError(t, client.Publish(t.Context(), prefix+":changes", message).Err())
	}
	ended := host.Hears(l)
	for _, c := range l.Told() {
		require.True(t, c.ID.IsZero() || c.ID == ended, "%v", c)
	}
}
