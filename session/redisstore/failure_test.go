package redisstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/redisstore"
)

// fails are errors of the store: each names it and what it was doing.
func fails(t *testing.T, token session.Token, errs map[string]error) {
	t.Helper()
	for operation, err := range errs {
		require.ErrorContains(t, err, "redisstore: "+operation+": ")
		require.NotContains(t, err.Error(), token.Secret())
		require.NotErrorIs(t, err, session.ErrNotFound)
		require.NotErrorIs(t, err, session.ErrExists)
		_, ended := errors.AsType[*session.EndedError](err)
		require.False(t, ended)
	}
}

// attempts makes every step and returns the errors, by operation.
func attempts(ctx context.Context, store *redisstore.Store, id session.ID) map[string]error {
	errs := map[string]error{}
	_, errs["getting a session"] = store.Get(ctx, id)
	errs["touching a session"] = store.Touch(ctx, id, session.Seen{Time: now.Add(time.Second)})
	_, errs["starting a session"] = store.Start(ctx, newSession("ada"), session.Replace{Others: true})
	_, errs["ending a session"] = store.End(ctx, id, newEnding(session.CauseSignedOut))
	_, errs["ending a user's sessions"] = store.EndUser(ctx, "ada", session.ID{}, newEnding(session.CauseRevoked))
	_, errs["listing a user's sessions"] = store.List(ctx, "ada")
	return errs
}

func more(ctx context.Context, store *redisstore.Store, id session.ID, errs map[string]error) map[string]error {
	_, errs["sweeping"] = store.Sweep(ctx, now)
	_, errs["leasing endings"] = store.Lease(ctx, now, now.Add(time.Minute), 1)
	errs["forgetting delivered endings"] = store.Delivered(ctx, id)
	errs["releasing endings"] = store.Release(ctx, id)
	return errs
}

// signedIn is a token whose session is live.
func signedIn(t *testing.T, store *redisstore.Store) (session.Token, session.Session) {
	t.Helper()
	token := session.NewToken("ada")
	s := newSession("ada")
	s.ID = token.ID()
	_, err := store.Start(t.Context(), s, session.Replace{})
	require.NoError(t, err)
	return token, s
}

func TestServerDownAndBack(t *testing.T) {
	server := run(t, "--appendonly", "yes", "--appendfsync", "always")
	store, _ := open(t, dial(t, server.addr, func(o *redis.Options) { o.MaxRetries = -1 }))
	token, s := signedIn(t, store)
	_, gone := signedIn(t, store)
	_, err := store.End(t.Context(), gone.ID, newEnding(session.CauseSignedOut))
	require.NoError(t, err)

	server.stop()
	fails(t, token, more(t.Context(), store, s.ID, attempts(t.Context(), store, s.ID)))

	server.start(t)
	got, err := store.Get(t.Context(), s.ID)
	require.NoError(t, err)
	require.Equal(t, s, got)
	_, err = store.Get(t.Context(), gone.ID)
	_, ended := errors.AsType[*session.EndedError](err)
	require.True(t, ended, "what ended stays ended: %v", err)
	_, err = store.End(t.Context(), s.ID, newEnding(session.CauseSignedOut)) // its script is to be loaded anew
	require.NoError(t, err)
}

func TestServerHangs(t *testing.T) {
	server := run(t)
	// Without the context's deadline, this client would wait for ever.
	store, _ := open(t, dial(t, server.addr, func(o *redis.Options) { o.ReadTimeout, o.MaxRetries = -1, -1 }))
	token, s := signedIn(t, store)
	operator := dial(t, server.addr)
	require.NoError(t, operator.Do(t.Context(), "CLIENT", "PAUSE", 3_600_000, "ALL").Err())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := store.Get(ctx, s.ID)
	fails(t, token, map[string]error{"getting a session": err})
	server.stop()
	server.start(t)
	ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = store.Get(ctx, s.ID)
	require.ErrorIs(t, err, session.ErrNotFound, "this server keeps nothing on disk, and answers")
}

func TestReplicaIsReadOnly(t *testing.T) {
	master := run(t)
	store, prefix := open(t, dial(t, master.addr))
	token, s := signedIn(t, store)
	replica := dial(t, run(t, "--replicaof", "127.0.0.1 "+master.addr[strings.LastIndexByte(master.addr, ':')+1:]).addr,
		func(o *redis.Options) { o.MaxRetries = -1 })
	until(t, "the replica", func() bool { return replica.DBSize(t.Context()).Val() >= 3 })
	stale, err := redisstore.New(replica, redisstore.Config{Prefix: prefix})
	require.NoError(t, err)
	errs := attempts(t.Context(), stale, s.ID)
	for _, read := range []string{"getting a session", "listing a user's sessions"} {
		require.NoError(t, errs[read], read)
		delete(errs, read)
	}
	fails(t, token, errs)
	for operation, err := range errs {
		require.ErrorContains(t, err, "READONLY", operation)
	}
	require.NoError(t, replica.Do(t.Context(), "REPLICAOF", "NO", "ONE").Err())
	_, err = stale.End(t.Context(), s.ID, newEnding(session.CauseSignedOut))
	require.NoError(t, err)
}

func TestFullServerRefusesSignInsOnly(t *testing.T) {
	client := dial(t, run(t, "--maxmemory-policy", "noeviction").addr)
	store, _ := open(t, client)
	token, s := signedIn(t, store)
	_, other := signedIn(t, store)
	_, third := signedIn(t, store)
	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", "1").Err())

	_, err := store.Start(t.Context(), newSession("ada"), session.Replace{Others: true, From: other.ID})
	fails(t, token, map[string]error{"starting a session": err})
	require.ErrorContains(t, err, "OOM")
	sessions, err := store.List(t.Context(), "ada")
	require.NoError(t, err)
	require.Len(t, sessions, 3, "nothing was done")

	require.NoError(t, store.Touch(t.Context(), s.ID, session.Seen{Time: now.Add(1)}))
	got, err := store.Get(t.Context(), s.ID)
	require.NoError(t, err)
	require.True(t, got.LastSeen.Equal(now.Add(1)))
	ending := newEnding(session.CauseRevoked)
	ending.Journal = true
	_, err = store.End(t.Context(), other.ID, ending)
	require.NoError(t, err)
	_, err = store.EndUser(t.Context(), "ada", s.ID, ending)
	require.NoError(t, err)
	_, err = store.Get(t.Context(), third.ID)
	require.Error(t, err)
	leased, err := store.Lease(t.Context(), now, now.Add(time.Minute), 10)
	require.NoError(t, err)
	require.Len(t, leased, 2)
	require.NoError(t, store.Delivered(t.Context(), other.ID, third.ID))

	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", "0").Err())
	_, err = store.Start(t.Context(), newSession("ada"), session.Replace{Others: true})
	require.NoError(t, err)
}

func TestRecordNotUnderstood(t *testing.T) {
	client := shared(t)
	for name, spoil := range map[string]func(value, other string) string{
		"empty":                    func(string, string) string { return "" },
		"garbage":                  func(string, string) string { return "{garbage" },
		"long garbage":             func(string, string) string { return strings.Repeat("z", 500) },
		"cut short":                func(value, _ string) string { return value[:40] },
		"cut in the user":          func(value, _ string) string { return value[:44] },
		"newer version":            func(value, _ string) string { return value[:1] + "02" + value[3:] },
		"version 0":                func(value, _ string) string { return value[:1] + "00" + value[3:] },
		"unknown state":            func(value, _ string) string { return "X" + value[1:] },
		"length past the end":      func(value, _ string) string { return value[:35] + "ffffffff" + value[43:] },
		"length that is no number": func(value, _ string) string { return value[:35] + "zzzzzzzz" + value[43:] },
	} {
		t.Run(name, func(t *testing.T) {
			store, prefix := open(t, client)
			token, s := signedIn(t, store)
			_, good := signedIn(t, store)
			key := prefix + ":{" + s.ID.Shard() + "}:s:"
			value := client.Get(t.Context(), key+s.ID.String()).Val()
			require.NotEmpty(t, value)
			spoilt := spoil(value, client.Get(t.Context(), key+good.ID.String()).Val())
			require.NoError(t, client.Set(t.Context(), key+s.ID.String(), spoilt, time.Hour).Err())

			errs := attempts(t.Context(), store, s.ID)
			fails(t, token, errs)
			for operation, err := range errs {
				require.ErrorIs(t, err, session.ErrRecord, operation)
			}
			require.Equal(t, spoilt, client.Get(t.Context(), key+s.ID.String()).Val(), "it is left as it is")
			got, err := store.Get(t.Context(), good.ID)
			require.NoError(t, err, "nothing was done, and others are not concerned")
			require.Equal(t, good, got)

			require.NoError(t, client.Set(t.Context(), key+s.ID.String(), value, time.Hour).Err())
			_, err = store.EndUser(t.Context(), "ada", session.ID{}, newEnding(session.CauseRevoked))
			require.NoError(t, err)
		})
	}
}

func TestRecordOfAnotherSession(t *testing.T) {
	client := shared(t)
	store, prefix := open(t, client)
	_, s := signedIn(t, store)
	_, other := signedIn(t, store)
	key := prefix + ":{" + s.ID.Shard() + "}:s:"
	require.NoError(t, client.Set(t.Context(), key+s.ID.String(), client.Get(t.Context(), key+other.ID.String()).Val(), 0).Err())
	_, err := store.Get(t.Context(), s.ID)
	require.ErrorIs(t, err, session.ErrRecord)
}
