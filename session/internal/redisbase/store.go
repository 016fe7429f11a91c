package redisbase

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/mooring-go/mooring/session"
)

// Store is a [session.Journal], a [session.Clock] and a [session.Watcher] in Redis or
// Valkey. It is safe for concurrent use, and any number of processes can share the server.
type Store struct {
	name    string
	client  Client
	cluster bool // the client is one of a Cluster
	config  Config
	few     int // see few
	records recordCache
	server  serverCheck
	lease   atomic.Uint32 // the number of the shard at which the next Lease begins
}

var (
	_ session.Journal = (*Store)(nil)
	_ session.Clock   = (*Store)(nil)
)

// New returns a store on the client. Its errors begin with the name of a package. The
// config is a valid one. New does not connect.
func New(name string, client Client, config Config) *Store {
	return &Store{
		name: name, client: client, cluster: client.Cluster(), config: config.withDefaults(), few: few,
		server: serverCheck{every: checkEvery},
	}
}

// failed adds the operation to the error. Errors that [session.Store] names it returns
// as they are.
func (s *Store) failed(operation string, err error) error {
	_, ended := errors.AsType[*session.EndedError](err)
	_, over := errors.AsType[*session.LimitError](err)
	if err == nil || ended || over || errors.Is(err, session.ErrConflict) ||
		errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrExists) {
		return err
	}
	return fmt.Errorf("%s: %s: %w", s.name, operation, err)
}

// Now returns the server's time. Nodes of a Cluster need to agree on it.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	now, err := s.now(ctx)
	return now, s.failed("asking for the time", err)
}

func (s *Store) now(ctx context.Context) (time.Time, error) {
	reply, err := s.client.Do(ctx, Command{Words: []string{"time"}}).texts()
	if err != nil {
		return time.Time{}, err
	}
	return clock(reply)
}

// clock returns the time that the server said: seconds and microseconds.
func clock(reply []string) (time.Time, error) {
	if len(reply) != 2 {
		return time.Time{}, fmt.Errorf("reply of %d texts, want a time", len(reply))
	}
	seconds, secondsErr := strconv.ParseInt(reply[0], 10, 64)
	micros, microsErr := strconv.ParseInt(reply[1], 10, 64)
	return time.Unix(seconds, micros*1000).UTC(), errors.Join(secondsErr, microsErr)
}

// Get returns the live session. It is one GET.
func (s *Store) Get(ctx context.Context, id session.ID) (session.Session, error) {
	_, found, err := s.get(ctx, id)
	return found, s.failed("getting a session", err)
}

// get returns the live session and the value that it was read from.
func (s *Store) get(ctx context.Context, id session.ID) (string, session.Session, error) {
	if id.IsZero() {
		return "", session.Session{}, session.ErrNotFound
	}
	value, present, err := s.client.Get(ctx, s.sessionKey(id))
	if err != nil {
		return "", session.Session{}, err
	}
	if !present {
		return "", session.Session{}, session.ErrNotFound
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
			return s.failed("touching a session", err)
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
		if *now, err = s.now(ctx); err != nil {
			return false, err
		}
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
	replicas := acknowledgement{needed: !seen.Drift.IsZero()} // the loss of a mere use does no harm
	status, reply, err := replicas.run(ctx, s, touchScript, id.Shard(), []string{s.sessionKey(id), s.indexKey(found.User)},
		before, after, s.lastsLive(found), member(found), dueMember(found), milliseconds(found.Deadline()), instant(at), tagOf(found.Kind), tenantIn(found.Tenant), message)
	if err != nil {
		return false, err
	}
	if status == "ahead" {
		*now, err = clock(reply)
		return true, err
	}
	if status == "changed" {
		return true, nil
	}
	return false, replicas.short
}

// End ends a live session, in one script.
func (s *Store) End(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	e, err := s.end(ctx, id, ending, "")
	return e.Session, s.failed("ending a session", err)
}

// end ends a live record that has the tag; any, if that is empty. The record comes with an
// error that is [ErrReplicas], too, if this call ended it.
func (s *Store) end(ctx context.Context, id session.ID, ending session.Ending, tag string) (session.Ended, error) {
	if id.IsZero() {
		return session.Ended{}, session.ErrNotFound
	}
	text, err := encodeEnding(ending)
	if err != nil {
		return session.Ended{}, err
	}
	_, reply, short, err := s.runAcknowledged(ctx, endScript, id.Shard(), []string{s.sessionKey(id)},
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
	return all[0], short
}
