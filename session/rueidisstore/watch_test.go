package rueidisstore_test

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/redistest"
)

// host makes what the tests of watches sign in and end.
var host = redistest.Host{Session: newSession, Ending: newEnding}

// A server that says nothing, with its connections open, is noticed in time.
func TestWatchNoticesSilence(t *testing.T) {
	t.Parallel()
	store, server := alone(t)
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
	store, master, _, _ := watched(t)
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
	store, _, _, sentinel := watched(t)
	l := redistest.Hear(t, store)
	stop := host.EndingAll(t, store)
	before := len(l.Told())
	sentinel.Failover(t)
	l.Since(before, "ChangeLost", redistest.IsKind(session.ChangeLost))
	host.HearsAgain(l, stop, before)
}

// A slot of a Cluster moves, and then one of its masters hangs.
func TestWatchFollowsACluster(t *testing.T) {
	t.Parallel()
	nodes := redistest.Cluster(t, "--cluster-node-timeout", "60000")
	store := open(t, dial(t, nodes))
	l := redistest.Hear(t, store)
	s := signedIn(t, store, "ada")
	stop := host.EndingAll(t, store)
	before := len(l.Told())
	move(t, nodes, keyOf(s.ID))
	l.Since(before, "ChangeLost", redistest.IsKind(session.ChangeLost))
	l.Since(before, "ChangeConnected", redistest.IsKind(session.ChangeConnected))
	host.Hears(l) // of ada
	host.HearsAgain(l, stop, before)

	nodes[0].Hang(t)
	before = len(l.Told())
	l.Since(before, "ChangeLost", redistest.IsKind(session.ChangeLost))
	nodes[0].Resume(t)
	l.Since(before, "ChangeConnected", redistest.IsKind(session.ChangeConnected))
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
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var lost session.Change
	_ = store.Watch(ctx, redistest.WatchEvery, func(c session.Change) { lost = c; cancel() })
	require.Equal(t, session.ChangeLost, lost.Kind)
	require.ErrorContains(t, lost.Err, "NOPERM")

	store = open(t, limited(t, []*redistest.Server{server}, "&"+prefix+":*", "+publish", "+subscribe", "+unsubscribe", "+ping"))
	l := redistest.Hear(t, store)
	host.Hears(l)
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
		require.ErrorIs(t, store.Watch(ctx, redistest.WatchEvery, func(session.Change) { cancel() }), context.Canceled)
	}
	redistest.Until(t, "the connections to be closed", func() bool { return connections() == "" })
	redistest.Until(t, "the goroutines to end", func() bool {
		stacks := make([]byte, 1<<20)
		return !strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "redisbase.(*Store)")
	})
}
