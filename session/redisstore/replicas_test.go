package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/redistest"
	"github.com/mooring-go/mooring/session/redisstore"
	"github.com/mooring-go/mooring/session/sessiontest"
)

func waiting(t *testing.T, client redis.UniversalClient) *redisstore.Store {
	t.Helper()
	store, err := redisstore.New(client, redisstore.Config{Prefix: "waiting", Replicas: 1, ReplicaTimeout: redistest.ReplicaTimeout})
	require.NoError(t, err)
	return store
}

func TestReplicas(t *testing.T) {
	t.Parallel()
	pair := redistest.RunPair(t)
	host.WaitsForReplicas(t, waiting(t, dial(t, pair.Master.Addr)), pair, "waiting", redisstore.ErrReplicas)
}

// The rules hold for a store that waits.
func TestStoreThatWaits(t *testing.T) {
	t.Parallel()
	pair := redistest.RunPair(t)
	client := dial(t, pair.Master.Addr, func(o *redis.Options) { o.ReadTimeout = 2 * redistest.Patience })
	opened := 0
	sessiontest.RunStore(t, func(t *testing.T) session.Store {
		opened++
		store, err := redisstore.New(client, redisstore.Config{Prefix: fmt.Sprint("waiting", opened), Replicas: 1, ReplicaTimeout: redistest.Patience})
		require.NoError(t, err)
		return store
	})
}

// A step that is sent again is not confirmed by what the first connection wrote.
func TestReplicasAfterALostReply(t *testing.T) {
	t.Parallel()
	pair := redistest.RunPair(t)
	var lose atomic.Bool
	store := waiting(t, dial(t, pair.Master.Addr, func(o *redis.Options) {
		o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			return lossy{conn, &lose}, err
		}
	}))
	redistest.Until(t, "an ending to be confirmed, and the script to be known", func() bool {
		_, loads := signedIn(t, store)
		_, err := store.End(t.Context(), loads.ID, newEnding(session.CauseSignedOut))
		return err == nil
	})
	_, s := signedIn(t, store)
	pair.Link.Lose(true)
	lose.Store(true)
	ended, err := store.End(t.Context(), s.ID, newEnding(session.CauseSignedOut))
	require.False(t, lose.Load(), "no reply was lost")
	require.ErrorIs(t, err, redisstore.ErrReplicas)
	require.Equal(t, s, ended)
}

// A user who may not WAIT is told so, each time.
func TestReplicasWithoutTheRight(t *testing.T) {
	t.Parallel()
	server := dial(t, redistest.Run(t).Addr)
	store := waiting(t, limited(t, server, "waiting", rights))
	_, s := signedIn(t, store)
	_, err := store.End(t.Context(), s.ID, newEnding(session.CauseSignedOut))
	require.ErrorIs(t, err, redisstore.ErrReplicas)
	require.ErrorContains(t, err, "NOPERM")
}

// In a Cluster it is the master of the session that waits for its own replicas, also once a
// slot has another one.
func TestReplicasInACluster(t *testing.T) {
	t.Parallel()
	client, nodes := clusterOf(t)
	replica := redistest.Node(t, "--repl-diskless-sync-delay", "0")
	nodes[0].Meet(t, replica)
	has, err := dial(t, nodes[0].Addr).Do(t.Context(), "CLUSTER", "MYID").Text()
	require.NoError(t, err)
	joined := dial(t, replica.Addr)
	redistest.Until(t, "the replica to know its master", func() bool { return joined.Do(t.Context(), "CLUSTER", "REPLICATE", has).Err() == nil })
	redistest.Until(t, "the replica to follow", func() bool {
		return strings.Contains(joined.Info(t.Context(), "replication").Val(), "master_link_status:up")
	})
	store := waiting(t, client)
	ends := func(user string) error {
		s := newSession(user)
		_, err := store.Start(t.Context(), s, session.Replace{})
		require.NoError(t, err)
		_, err = store.End(t.Context(), s.ID, newEnding(session.CauseSignedOut))
		return err
	}
	safe := ""
	for _, user := range []string{"ada", "bob", "eve", "zoe", "carol", "dave", "erin", "frank"} {
		owner, err := client.MasterForKey(t.Context(), "any:{"+session.Shard(user)+"}")
		require.NoError(t, err)
		if owner.Options().Addr == nodes[0].Addr {
			safe = user
			redistest.Until(t, "an ending to be confirmed", func() bool { return ends(user) == nil })
		} else {
			require.ErrorIs(t, ends(user), redisstore.ErrReplicas)
		}
	}
	require.NotEmpty(t, safe)

	m := newMove(t, client, "any:{"+session.Shard(safe)+"}")
	for _, key := range m.keys() {
		m.one(key)
	}
	m.finish()
	redistest.Until(t, "the other master", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := store.End(ctx, session.NewToken(safe).ID(), newEnding(session.CauseSignedOut))
		return errors.Is(err, session.ErrNotFound)
	})
	require.ErrorIs(t, ends(safe), redisstore.ErrReplicas, "it has no replica")
}
