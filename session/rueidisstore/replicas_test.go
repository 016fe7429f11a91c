package rueidisstore_test

import (
	"errors"
	"fmt"
	"os"
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

func waiting(t *testing.T, client *rueidisstore.Client) *rueidisstore.Store {
	t.Helper()
	store, err := rueidisstore.New(client, rueidisstore.Config{Prefix: prefix, Replicas: 1, ReplicaTimeout: redistest.ReplicaTimeout})
	require.NoError(t, err)
	return store
}

func TestReplicas(t *testing.T) {
	t.Parallel()
	pair := redistest.RunPair(t)
	host.WaitsForReplicas(t, waiting(t, dial(t, []*redistest.Server{pair.Master})), pair, prefix, rueidisstore.ErrReplicas)
}

// The rules hold for a store that waits.
func TestStoreThatWaits(t *testing.T) {
	if os.Getenv("MOORING_LONG") != "1" {
		t.Skip("long: MOORING_LONG=1")
	}
	t.Parallel()
	pair := redistest.RunPair(t)
	client := dial(t, []*redistest.Server{pair.Master})
	opened := 0
	sessiontest.RunStore(t, func(t *testing.T) session.Store {
		opened++
		store, err := rueidisstore.New(client, rueidisstore.Config{Prefix: fmt.Sprint(prefix, opened), Replicas: 1, ReplicaTimeout: redistest.Patience})
		require.NoError(t, err)
		return store
	})
}

// Steps that wait keep no others waiting, and wait for longer than a connection may be silent.
func TestReplicasKeepNobodyElseWaiting(t *testing.T) {
	t.Parallel()
	pair := redistest.RunPair(t)
	const wait = redistest.Patience
	require.Greater(t, wait, rueidisstore.DefaultConnWriteTimeout+2*rueidisstore.DefaultKeepAlive)
	store, err := rueidisstore.New(dial(t, []*redistest.Server{pair.Master}), rueidisstore.Config{Prefix: prefix, Replicas: 1, ReplicaTimeout: wait})
	require.NoError(t, err)
	first, last := signedIn(t, store, "ada"), signedIn(t, store, "ada")
	_, err = store.End(t.Context(), signedIn(t, store, "ada").ID, newEnding(session.CauseRevoked))
	require.NoError(t, err)
	pair.Link.Lose(true)
	var running sync.WaitGroup
	running.Go(func() {
		_, err := store.End(t.Context(), first.ID, newEnding(session.CauseRevoked))
		assert.ErrorIs(t, err, rueidisstore.ErrReplicas)
	})
	redistest.Until(t, "the ending", func() bool {
		_, err := store.Get(t.Context(), first.ID)
		_, ended := errors.AsType[*session.EndedError](err)
		return ended
	})
	began := time.Now()
	_, err = store.Get(t.Context(), last.ID)
	require.NoError(t, err)
	require.Less(t, time.Since(began), wait/2)
	running.Wait()
}

// In a Cluster it is the master of the session that waits for its own replicas.
func TestReplicasInACluster(t *testing.T) {
	t.Parallel()
	nodes := redistest.Cluster(t)
	replica := redistest.Node(t, "--repl-diskless-sync-delay", "0")
	nodes[0].Meet(t, replica)
	id := nodes[0].Do(t, "CLUSTER", "MYID")
	redistest.Until(t, "the replica to know its master", func() bool {
		_, err := redistest.Do(replica.Addr, "CLUSTER", "REPLICATE", id)
		return err == nil
	})
	redistest.Until(t, "the replica to follow", func() bool { return nodes[0].Do(t, "WAIT", 1, 100) == int64(1) })
	store := waiting(t, dial(t, nodes))
	safe, short := 0, 0
	for _, user := range []string{"ada", "bob", "eve", "zoe", "carol", "dave", "erin", "frank"} {
		ends := func() error {
			_, err := store.End(t.Context(), signedIn(t, store, user).ID, newEnding(session.CauseRevoked))
			return err
		}
		if _, refused := redistest.Do(nodes[0].Addr, "GET", keyOf(session.NewToken(user).ID())); refused == nil {
			safe++
			redistest.Until(t, "an ending to be confirmed", func() bool { return ends() == nil })
		} else {
			short++
			require.ErrorIs(t, ends(), rueidisstore.ErrReplicas)
		}
	}
	require.NotZero(t, safe)
	require.NotZero(t, short)
}
