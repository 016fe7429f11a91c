package redisstore_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session/redisstore"
)

func TestNewRefuses(t *testing.T) {
	good := func() *redis.Client { return redis.NewClient(&redis.Options{ContextTimeoutEnabled: true}) }
	clustered := func(change func(*redis.ClusterOptions)) redis.UniversalClient {
		options := &redis.ClusterOptions{
			Addrs: []string{"127.0.0.1:1"}, ContextTimeoutEnabled: true, ClusterStateReloadInterval: redisstore.MaxClusterStateReload,
		}
		change(options)
		return redis.NewClusterClient(options)
	}
	for name, refused := range map[string]struct {
		client redis.UniversalClient
		config redisstore.Config
		want   []string
	}{
		"no client":         {nil, redisstore.Config{}, []string{"client is nil"}},
		"context ignored":   {redis.NewClient(&redis.Options{}), redisstore.Config{}, []string{"ContextTimeoutEnabled"}},
		"ring":              {redis.NewRing(&redis.RingOptions{}), redisstore.Config{}, []string{"*redis.Ring"}},
		"local cache":       {redis.NewClient(&redis.Options{Protocol: 3, ContextTimeoutEnabled: true, ClientSideCacheConfig: &redis.ClientSideCacheConfig{}}), redisstore.Config{}, []string{"cache"}},
		"cluster, ignored":  {clustered(func(o *redis.ClusterOptions) { o.ContextTimeoutEnabled = false }), redisstore.Config{}, []string{"ContextTimeoutEnabled"}},
		"cluster, replicas": {clustered(func(o *redis.ClusterOptions) { o.ReadOnly = true }), redisstore.Config{}, []string{"replicas"}},
		"cluster, latency":  {clustered(func(o *redis.ClusterOptions) { o.RouteByLatency = true }), redisstore.Config{}, []string{"replicas"}},
		"cluster, random":   {clustered(func(o *redis.ClusterOptions) { o.RouteRandomly = true }), redisstore.Config{}, []string{"replicas"}},
		"cluster, slow":     {clustered(func(o *redis.ClusterOptions) { o.ClusterStateReloadInterval++ }), redisstore.Config{}, []string{"ClusterStateReloadInterval is 5.000000001s: want 5s or less"}},
		"cluster, default":  {clustered(func(o *redis.ClusterOptions) { o.ClusterStateReloadInterval = 0 }), redisstore.Config{}, []string{"ClusterStateReloadInterval is 1m0s"}},
		"cluster, universal": {
			redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{"127.0.0.1:1", "127.0.0.1:2"}, ContextTimeoutEnabled: true}),
			redisstore.Config{}, []string{"use redis.NewClusterClient"},
		},
		"prefix":      {good(), redisstore.Config{Prefix: "a{b}"}, []string{"Prefix"}},
		"grace":       {good(), redisstore.Config{Grace: -time.Second}, []string{"Grace"}},
		"replicas":    {good(), redisstore.Config{Replicas: -1, ReplicaTimeout: time.Minute}, []string{"Replicas -1", "ReplicaTimeout 1m0s: want 1ms to 10s"}},
		"no patience": {good(), redisstore.Config{Replicas: 1, ReplicaTimeout: 5 * time.Second}, []string{"ReadTimeout is 5s: want it above ReplicaTimeout, 5s"}},
		"all at once": {redis.NewClient(&redis.Options{}), redisstore.Config{Prefix: "*", Grace: -1}, []string{"ContextTimeoutEnabled", "Prefix", "Grace"}},
	} {
		t.Run(name, func(t *testing.T) {
			if refused.client != nil {
				defer refused.client.Close()
			}
			_, err := redisstore.New(refused.client, refused.config)
			for _, want := range refused.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
	for name, client := range map[string]redis.UniversalClient{
		"single":    good(),
		"cluster":   clustered(func(*redis.ClusterOptions) {}),
		"sentinel":  redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "m", SentinelAddrs: []string{"127.0.0.1:1"}, ContextTimeoutEnabled: true}),
		"universal": redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{"127.0.0.1:1"}, ContextTimeoutEnabled: true}),
	} {
		t.Run(name, func(t *testing.T) {
			defer client.Close()
			_, err := redisstore.New(client, redisstore.Config{})
			require.NoError(t, err)
		})
	}
}
