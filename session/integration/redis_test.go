package integration

import (
	"context"
	"crypto/rand"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session/redisstore"
	"github.com/mooring-go/mooring/session/rueidisstore"
)

// inRedis returns a store with keys of its own, removed when the test is over, and
// its client.
func inRedis(t testing.TB, options *redis.Options) (*redisstore.Store, *redis.Client) {
	t.Helper()
	store, client, _ := inRedisAs(t, options)
	return store, client
}

// inRedisAs is inRedis, with the prefix of the keys.
func inRedisAs(t testing.TB, options *redis.Options) (*redisstore.Store, *redis.Client, string) {
	t.Helper()
	options.ContextTimeoutEnabled = true
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	if err := client.Ping(t.Context()).Err(); err != nil {
		missing(t, "Redis (MOORING_REDIS_ADDR)", err)
	}
	prefix := "integration-" + rand.Text()
	store, err := redisstore.New(client, redisstore.Config{Prefix: prefix})
	require.NoError(t, err)
	t.Cleanup(func() {
		for keys := client.Scan(context.Background(), 0, prefix+":*", 1000).Iterator(); keys.Next(context.Background()); {
			_ = client.Unlink(context.Background(), keys.Val()).Err()
		}
	})
	return store, client, prefix
}

// inBoth returns two stores on the same keys, one through each client; the one through
// rueidis reaches the server at addr. The keys are removed when the test is over.
func inBoth(t testing.TB, addr string) (*redisstore.Store, *rueidisstore.Store) {
	t.Helper()
	store, _, prefix := inRedisAs(t, &redis.Options{Addr: redisAddr()})
	client, err := rueidisstore.Dial(rueidis.ClientOption{InitAddress: []string{addr}})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	other, err := rueidisstore.New(client, rueidisstore.Config{Prefix: prefix})
	require.NoError(t, err)
	return store, other
}
