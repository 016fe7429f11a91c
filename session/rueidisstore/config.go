package rueidisstore

import (
	"time"

	"github.com/mooring-go/mooring/session/internal/redisbase"
)

// The defaults of a [Config].
const (
	DefaultPrefix = redisbase.DefaultPrefix
	DefaultGrace  = redisbase.DefaultGrace

	DefaultReplicaTimeout = redisbase.DefaultReplicaTimeout
)

// Config is how a [Store] uses its server. The zero value is ready. Processes that use
// redisstore with the same Config share its sessions.
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
func (c Config) Validate() error { return redisbase.Config(c).Validate("rueidisstore") }
