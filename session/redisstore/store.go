package redisstore

import (
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/redisbase"
)

// Store is a [session.Journal], a [session.Clock] and a [session.Watcher] in Redis or
// Valkey, and has their methods and no others. It is safe for concurrent use, and any number
// of processes can share the server. Make one with [New]; the zero value is of no use.
//
// Get is one GET. Start, End, Update after a GET, and Touch after one, are a script each;
// EndUser, and Start where it ends others, are one for each 100 sessions that they end, the
// oldest first, and return what they ended with the error of a later one. List takes one for
// each 250. An error names the package and the operation; [ErrServer] and what package
// session names can be asked for with errors.Is and errors.As.
type Store = redisbase.Store

var (
	_ session.Journal = (*Store)(nil)
	_ session.Clock   = (*Store)(nil)
	_ session.Watcher = (*Store)(nil)
)

// ErrServer is returned while the server is not fit to keep sessions: it evicts keys, it is
// a replica, or the client's user may not ask whether it is.
var ErrServer = redisbase.ErrServer

// ErrReplicas is returned where fewer replicas than [Config.Replicas] have acknowledged a step
// within [Config.ReplicaTimeout]. The master has made the step, and a failover can undo it: what
// ended may live again. End, EndUser and Start return what they ended with it, and the
// session that Start was to make live may live.
//
// A step that ends sessions can be repeated until it is acknowledged. As long as too few replicas
// have the ending, End is ErrReplicas again, and then *session.EndedError; EndUser is
// ErrReplicas, and then returns no error.
var ErrReplicas = redisbase.ErrReplicas

// New returns a store on the client, which stays the caller's to close, or every
// mistake in config and in how the client is set up, joined. It does not connect.
//
// The client is a *redis.Client or *redis.ClusterClient whose option
// ContextTimeoutEnabled is on and which reads neither from replicas nor from a
// cache of its own. The option ClusterStateReloadInterval of a *redis.ClusterClient
// is [MaxClusterStateReload] at the most.
func New(from redis.UniversalClient, config Config) (*Store, error) {
	if err := errors.Join(validateClient(from, config), config.Validate()); err != nil {
		return nil, err
	}
	return redisbase.New("redisstore", client{from}, redisbase.Config(config)), nil
}
