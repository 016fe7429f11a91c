package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/mooring-go/mooring/session"
)

// Store is a [session.Journal] in Redis or Valkey, and a [session.Clock]. It is
// safe for concurrent use, and any number of processes can share the server. Make
// one with New.
type Store struct {
	client  redis.UniversalClient
	cluster bool // the client is one of a Cluster
	config  Config
	records recordCache
	server  serverCheck
	lease   atomic.Uint32 // the number of the shard at which the next Lease begins
}

var (
	_ session.Journal = (*Store)(nil)
	_ session.Clock   = (*Store)(nil)
)

// New returns a store on the client, which stays the caller's to close, or every
// mistake in config and in how the client is set up, joined. It does not connect.
//
// The client is a *redis.Client or *redis.ClusterClient whose option
// ContextTimeoutEnabled is on and which reads neither from replicas nor from a
// cache of its own. The option ClusterStateReloadInterval of a *redis.ClusterClient
// is [MaxClusterStateReload] at the most.
func New(client redis.UniversalClient, config Config) (*Store, error) {
	if err := errors.Join(validateClient(client), config.Validate()); err != nil {
		return nil, err
	}
	_, cluster := client.(*redis.ClusterClient)
	return &Store{client: client, cluster: cluster, config: config.withDefaults(), server: serverCheck{every: checkEvery}}, nil
}

// failed adds the operation to the error. Errors that [session.Store] names it returns
// as they are.
func failed(operation string, err error) error {
	_, ended := errors.AsType[*session.EndedError](err)
	_, over := errors.AsType[*session.LimitError](err)
	if err == nil || ended || over || errors.Is(err, session.ErrConflict) ||
		errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrExists) {
		return err
	}
	return fmt.Errorf("redisstore: %s: %w", operation, err)
}

// Now returns the server's time. Nodes of a Cluster need to agree on it.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	now, err := s.client.Time(ctx).Result()
	return now.UTC(), failed("asking for the time", err)
}

// Get returns the live session. It is one GET.
func (s *Store) Get(ctx context.Context, id session.ID) (session.Session, error) {
	_, found, err := s.get(ctx, id)
	return found, failed("getting a session", err)
}

// get returns the live session and the value that it was read from.
func (s *Store) get(ctx context.Context, id session.ID) (string, session.Session, error) {
	if id.IsZero() {
		return "", session.Session{}, session.ErrNotFound
	}
	value, err := s.client.Get(ctx, s.sessionKey(id)).Result()
	if errors.Is(err, redis.Nil) {
		return "", session.Session{}, session.ErrNotFound
	}
	if err != nil {
		return "", session.Session{}, err
	}
	found, err := s.records.decode(id, value, decodeLive)
	if err != nil {
		return "", session.Session{}, err
	}
	return value, found, nil
}

// Touch records the use of a session. It is one GET and, where there is something to
// record, one script. The script writes only if the session has not changed meanwhile
// and the time is not ahead of the server's; otherwise both are repeated. Where a later
// use was recorded, Touch asks the server for its time, because that use may be ahead
// of it.
func (s *Store) Touch(ctx context.Context, id session.ID, seen session.Seen) error {
	var now time.Time // the server's, once it is asked for
	for {
		again, err := s.touch(ctx, id, seen, &now)
		if err != nil || !again {
			return failed("touching a session", err)
		}
	}
}

// touch reports whether to try again: because the session changed meanwhile, or with
// now set.
func (s *Store) touch(ctx context.Context, id session.ID, seen session.Seen, now *time.Time) (again bool, err error) {
	before, found, err := s.get(ctx, id)
	if err != nil {
		return false, err
	}
	if now.IsZero() && found.LastSeen.After(seen.Time) {
		if *now, err = s.client.Time(ctx).Result(); err != nil {
			return false, err
		}
		*now = now.UTC()
	}
	at := *now
	if at.IsZero() {
		at = seen.Time // the script looks whether it is ahead
	}
	if !found.Apply(seen, at) {
		return false, nil
	}
	after, err := encode(found)
	if err != nil || after == before {
		return false, err
	}
	if seen.Time.Before(at) {
		at = seen.Time
	}
	message := "" // nothing is published of a use without a drift
	if !seen.Drift.IsZero() {
		message = updated(found)
	}
	status, reply, err := s.run(ctx, touchScript, id.Shard(), []string{s.sessionKey(id), s.indexKey(found.User)},
		before, after, s.lastsLive(found), member(found), dueMember(found), milliseconds(found.Deadline()), instant(at), message)
	if err != nil {
		return false, err
	}
	if status == "ahead" && len(reply) == 2 {
		seconds, secondsErr := strconv.ParseInt(reply[0], 10, 64)
		micros, microsErr := strconv.ParseInt(reply[1], 10, 64)
		*now = time.Unix(seconds, micros*1000).UTC()
		return true, errors.Join(secondsErr, microsErr)
	}
	return status == "changed", nil
}

// End ends a live session, in one script.
func (s *Store) End(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	e, err := s.end(ctx, id, ending, "")
	return e.Session, failed("ending a session", err)
}

// end ends a live record that has the tag; any, if that is empty.
func (s *Store) end(ctx context.Context, id session.ID, ending session.Ending, tag string) (session.Ended, error) {
	if id.IsZero() {
		return session.Ended{}, session.ErrNotFound
	}
	text, err := encodeEnding(ending)
	if err != nil {
		return session.Ended{}, err
	}
	_, reply, err := s.run(ctx, endScript, id.Shard(), []string{s.sessionKey(id)},
		s.endingArgs(ending, id.String(), text, tag)...)
	if err != nil {
		return session.Ended{}, err
	}
	all, err := decodeAll(reply)
	if err == nil && len(all) != 1 {
		err = session.ErrNotFound // it was sent again, and swept meanwhile
	}
	if err != nil {
		return session.Ended{}, err
	}
	return all[0], nil
}
