package redisstore

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/mooring-go/mooring/session/internal/redisbase"
)

// The defaults of a [Config].
const (
	DefaultPrefix = redisbase.DefaultPrefix
	DefaultGrace  = redisbase.DefaultGrace

	DefaultReplicaTimeout = redisbase.DefaultReplicaTimeout
)

// MaxClusterStateReload is the upper limit of the option ClusterStateReloadInterval of
// a Cluster's client. When a master dies, its users wait for up to that interval until
// the client looks for the replica that follows it.
const MaxClusterStateReload = 5 * time.Second

// Config is how a [Store] uses its server. The zero value is ready.
type Config struct {
	// Prefix begins all keys, so that several applications can use one server.
	// It is of letters, digits and "_.:-". Empty: DefaultPrefix.
	Prefix string

	// Grace is how much longer than its Deadline the server keeps a session, and an
	// ending than its Keep, unless Sweep forgets them earlier. While a session is still
	// there, the manager that finds it overdue ends it with a cause. 0: DefaultGrace.
	Grace time.Duration

	// Replicas is how many replicas have to acknowledge a step that ends or restricts
	// sessions, before it returns without an error (WAIT): Start that ends others, End,
	// EndUser, Update, and Touch with a drift. Where fewer do within ReplicaTimeout, the
	// master has made the step all the same, and the error is ErrReplicas. This makes it
	// less likely that a failover undoes an ending, and never impossible. 0: the master
	// alone confirms it.
	Replicas int

	// ReplicaTimeout is for how long a step waits for the replicas, besides what the master
	// takes. It should be well below loginstage.Config.StoreTimeout: a context that ends
	// first leaves the outcome unknown. 0: DefaultReplicaTimeout.
	ReplicaTimeout time.Duration
}

// Validate returns every mistake in c, joined.
func (c Config) Validate() error { return redisbase.Config(c).Validate("redisstore") }

// validateClient returns every reason, joined, why sessions would not be safe
// with the client.
func validateClient(client redis.UniversalClient, config Config) error {
	var mistakes []error
	refuse := func(bad bool, why string) {
		if bad {
			mistakes = append(mistakes, errors.New("redisstore: "+why))
		}
	}
	var heedsContext bool
	var readTimeout time.Duration
	switch client := client.(type) {
	case interface{ Options() *redis.Options }:
		options := client.Options()
		heedsContext, readTimeout = options.ContextTimeoutEnabled, options.ReadTimeout
		refuse(options.ClientSideCache != nil || options.ClientSideCacheConfig != nil,
			"the client's cache is on: want it off, because it shows sessions as live that have ended")
	case interface{ Options() *redis.ClusterOptions }:
		options := client.Options()
		heedsContext, readTimeout = options.ContextTimeoutEnabled, options.ReadTimeout
		refuse(options.ReadOnly || options.RouteByLatency || options.RouteRandomly,
			"the client reads from replicas: want ReadOnly, RouteByLatency and RouteRandomly off, because replicas show sessions as live that have ended")
		refuse(options.ClusterStateReloadInterval > MaxClusterStateReload,
			fmt.Sprintf("the client's option ClusterStateReloadInterval is %s: want %s or less, because users of a master that died wait for so long. "+
				"redis.NewUniversalClient cannot set it: use redis.NewClusterClient", options.ClusterStateReloadInterval, MaxClusterStateReload))
	case nil:
		return errors.New("redisstore: the client is nil: want a *redis.Client or a *redis.ClusterClient")
	default:
		return fmt.Errorf("redisstore: the client is a %T: want a *redis.Client or a *redis.ClusterClient", client)
	}
	wait := cmp.Or(config.ReplicaTimeout, DefaultReplicaTimeout)
	refuse(config.Replicas > 0 && readTimeout > 0 && readTimeout <= wait,
		fmt.Sprintf("the client's option ReadTimeout is %s: want it above ReplicaTimeout, %s, or the client gives the answer up", readTimeout, wait))
	refuse(!heedsContext,
		"the client's option ContextTimeoutEnabled is off: want it on, because a request would wait for a server that hangs, whatever its deadline")
	return errors.Join(mistakes...)
}
