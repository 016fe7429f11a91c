package rueidisstore

import (
	"time"

	"github.com/mooring-go/mooring/session/internal/redisbase"
)

// The defaults of a [Config].
const (
	DefaultPrefix = redisbase.DefaultPrefix
	DefaultGrace  = redisbase.DefaultGrace
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
}

// Validate returns every mistake in c, joined.
func (c Config) Validate() error { return redisbase.Config(c).Validate("rueidisstore") }
