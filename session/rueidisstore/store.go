package rueidisstore

import (
	"errors"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/redisbase"
)

// Store is a [session.Journal], a [session.Clock] and a [session.Watcher] in Redis or
// Valkey, and has their methods and no others. It is safe for concurrent use, and any number
// of processes can share the server. Make one with [New]; the zero value is of no use.
//
// Its steps are those of redisstore.Store, with the same scripts. An error names the package
// and the operation; [ErrServer] and what package session names can be asked for with
// errors.Is and errors.As.
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

// New returns a store on the client, which stays the caller's to close, or every mistake in
// its arguments, joined. It sends nothing.
func New(client *Client, config Config) (*Store, error) {
	var missing error
	if client == nil || client.link.redis == nil {
		missing = errors.New("rueidisstore: the client is nil: want one that Dial returned")
	}
	if err := errors.Join(missing, config.Validate()); err != nil {
		return nil, err
	}
	return redisbase.New("rueidisstore", client.link, redisbase.Config(config)), nil
}
