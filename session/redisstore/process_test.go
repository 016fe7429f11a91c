package redisstore_test

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/redistest"
	"github.com/mooring-go/mooring/session/redisstore"
)

// dial returns a client of the server at addr, closed when the test is over.
func dial(t testing.TB, addr string, change ...func(*redis.Options)) *redis.Client {
	options := &redis.Options{Addr: addr, ContextTimeoutEnabled: true}
	for _, change := range change {
		change(options)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// shared returns a client of the server that the environment names.
func shared(t testing.TB, change ...func(*redis.Options)) *redis.Client {
	t.Helper()
	return dial(t, redistest.Shared(t), change...)
}

// open returns a store on the client with keys of its own, removed when the test is
// over.
func open(t testing.TB, client redis.UniversalClient) (*redisstore.Store, string) {
	t.Helper()
	prefix := "test-" + rand.Text()
	store, err := redisstore.New(client, redisstore.Config{Prefix: prefix})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		for _, key := range keys(ctx, client, prefix) {
			_ = client.Del(ctx, key).Err()
		}
	})
	return store, prefix
}

// keys returns all keys that begin with prefix.
func keys(ctx context.Context, client redis.UniversalClient, prefix string) []string {
	nodes := make(chan *redis.Client, 16)
	if cluster, ok := client.(*redis.ClusterClient); ok {
		_ = cluster.ForEachMaster(ctx, func(_ context.Context, node *redis.Client) error { nodes <- node; return nil })
	} else {
		nodes <- client.(*redis.Client)
	}
	close(nodes)
	var found []string
	for node := range nodes {
		for scan := node.Scan(ctx, 0, prefix+":*", 1000).Iterator(); scan.Next(ctx); {
			found = append(found, scan.Val())
		}
	}
	return found
}

// cluster returns a client of a Redis Cluster of three masters.
func cluster(t testing.TB) *redis.ClusterClient {
	t.Helper()
	client, _ := clusterOf(t)
	return client
}

// clusterOf starts a Redis Cluster of three masters, with further arguments.
func clusterOf(t testing.TB, args ...string) (*redis.ClusterClient, []*redistest.Server) {
	t.Helper()
	nodes := redistest.Cluster(t, args...)
	var addrs []string
	for _, node := range nodes {
		addrs = append(addrs, node.Addr)
	}
	client := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: addrs, ContextTimeoutEnabled: true, ClusterStateReloadInterval: time.Second,
	})
	t.Cleanup(func() { _ = client.Close() })
	return client, nodes
}

// now is some seconds ago, so that it is past by the server's clock, by which the
// keys expire.
var now = time.Now().UTC().Truncate(time.Second).Add(123_456_789 - 10*time.Second)

func newSession(user string) session.Session {
	return session.Session{
		ID: session.NewToken(user).ID(), User: user, Name: user, Method: "password", Stage: "login",
		Created: now, LastSeen: now, Expires: now.Add(2 * time.Hour),
	}
}

func newEnding(cause session.Cause) session.Ending {
	return session.Ending{Cause: cause, Time: now, Keep: now.Add(time.Hour)}
}
