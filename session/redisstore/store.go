package redisstore

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/mooring-go/mooring/session"
)

// Store is a [session.Journal] in Redis or Valkey. It is safe for concurrent
// use, and any number of processes can share the server. Make one with New.
type Store struct {
	client redis.UniversalClient
	config Config
	memo   memo
	lease  atomic.Uint32 // the shard at which the next Lease begins
}

var _ session.Journal = (*Store)(nil)

// New returns a store on the client, which stays the caller's to close, or every
// mistake in config and in how the client is set up, joined. It does not connect.
//
// The client is a *redis.Client or *redis.ClusterClient whose option
// ContextTimeoutEnabled is on and which reads neither from replicas nor from a
// cache of its own.
func New(client redis.UniversalClient, config Config) (*Store, error) {
	if err := errors.Join(validateClient(client), config.Validate()); err != nil {
		return nil, err
	}
	return &Store{client: client, config: config.withDefaults()}, nil
}

// failed says which operation an error is of. Those that [session.Store] names
// are returned as they are.
func failed(operation string, err error) error {
	if _, ok := errors.AsType[*session.EndedError](err); ok ||
		err == nil || errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrExists) {
		return err
	}
	return fmt.Errorf("redisstore: %s: %w", operation, err)
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
	found, err := s.memo.decode(id, value, decodeLive)
	if err == nil && found.ID != id {
		err = fmt.Errorf("%w: of another session", session.ErrRecord)
	}
	if err != nil {
		return "", session.Session{}, err
	}
	return value, found, nil
}

// decodeLive reads the value of a live session. For one that ended the error
// says how.
func decodeLive(value string) (session.Session, error) {
	state, _, record, err := split(value)
	if err != nil {
		return session.Session{}, err
	}
	if state == ended {
		return session.Session{}, endedError(value)
	}
	return session.DecodeRecord([]byte(record))
}

// Touch records the use of a session. It is one GET, and where there is
// something to record one script besides, which writes only if the session has
// not changed meanwhile; if it has, both are repeated.
func (s *Store) Touch(ctx context.Context, id session.ID, seen session.Seen) error {
	for {
		changed, err := s.touch(ctx, id, seen)
		if err != nil || !changed {
			return failed("touching a session", err)
		}
	}
}

// touch reports whether the session changed while seen was applied to it.
func (s *Store) touch(ctx context.Context, id session.ID, seen session.Seen) (changed bool, err error) {
	before, found, err := s.get(ctx, id)
	if err != nil || !found.Apply(seen) {
		return false, err
	}
	after, err := encode(found)
	if err != nil || after == before {
		return false, err
	}
	status, _, err := s.run(ctx, touchScript, id.Shard(),
		[]string{s.sessionKey(id), s.indexKey(found.User)},
		id.String(), before, after, s.milliseconds(found.LastSeen, found.Deadline()))
	return status == "changed", err
}

// End ends a live session, in one script.
func (s *Store) End(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	const operation = "ending a session"
	text, err := encodeEnding(ending)
	if err != nil {
		return session.Session{}, failed(operation, err)
	}
	e, err := s.end(ctx, id, ending, text, text, false)
	return e.Session, failed(operation, err)
}

// end ends a live session, with one of two endings as encoded: it may be
// pending, or must if so asked for.
func (s *Store) end(ctx context.Context, id session.ID, ending session.Ending, text, ifPending string, mustPend bool) (session.Ended, error) {
	if id.IsZero() {
		return session.Ended{}, session.ErrNotFound
	}
	_, values, err := s.run(ctx, endScript, id.Shard(),
		[]string{s.callKey(id.Shard()), s.sessionKey(id)},
		append(s.endingArgs(ending), id.String(), text, ifPending, flag(mustPend))...)
	if err != nil {
		return session.Ended{}, err
	}
	if len(values) != 1 {
		return session.Ended{}, session.ErrNotFound // it was sent again, and swept meanwhile
	}
	return decodeEnded(values[0])
}
