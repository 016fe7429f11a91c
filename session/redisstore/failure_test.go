package redisstore_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/redistest"
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
	_, errs["leasing endings"] = store.Lease(ctx, time.Minute, 1)
	errs["forgetting delivered endings"] = store.Delivered(ctx, id)
	errs["releasing endings"] = store.Release(ctx, 0, id)
	return errs
}

// signedIn returns a token whose session is live.
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
	server := redistest.Run(t, "--appendonly", "yes", "--appendfsync", "always")
	store, _ := open(t, dial(t, server.Addr, func(o *redis.Options) { o.MaxRetries = -1 }))
	token, s := signedIn(t, store)
	_, gone := signedIn(t, store)
	_, err := store.End(t.Context(), gone.ID, newEnding(session.CauseSignedOut))
	require.NoError(t, err)

	server.Stop()
	fails(t, token, more(t.Context(), store, s.ID, attempts(t.Context(), store, s.ID)))

	server.Start(t)
	got, err := store.Get(t.Context(), s.ID)
	require.NoError(t, err)
	require.Equal(t, s, got)
	_, err = store.Get(t.Context(), gone.ID)
	_, ended := errors.AsType[*session.EndedError](err)
	require.True(t, ended, "what ended stays ended: %v", err)
	_, err = store.End(t.Context(), s.ID, newEnding(session.CauseSignedOut)) // its script has to be loaded again
	require.NoError(t, err)
}

func TestServerHangs(t *testing.T) {
	server := redistest.Run(t)
	// Without the context's deadline, this client would wait for ever.
	store, _ := open(t, dial(t, server.Addr, func(o *redis.Options) { o.ReadTimeout, o.MaxRetries = -1, -1 }))
	token, s := signedIn(t, store)
	operator := dial(t, server.Addr)
	require.NoError(t, operator.Do(t.Context(), "CLIENT", "PAUSE", 3_600_000, "ALL").Err())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := store.Get(ctx, s.ID)
	fails(t, token, map[string]error{"getting a session": err})
	server.Stop()
	server.Start(t)
	ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = store.Get(ctx, s.ID)
	require.ErrorIs(t, err, session.ErrNotFound, "this server keeps nothing on disk, and answers")
}

func TestReplicaIsReadOnly(t *testing.T) {
	t.Parallel()
	master := redistest.Run(t)
	store, prefix := open(t, dial(t, master.Addr))
	token, s := signedIn(t, store)
	replica := dial(t, redistest.Run(t, "--replicaof", "127.0.0.1 "+master.Addr[strings.LastIndexByte(master.Addr, ':')+1:]).Addr,
		func(o *redis.Options) { o.MaxRetries = -1 })
	redistest.Until(t, "the replica", func() bool { return replica.DBSize(t.Context()).Val() >= 3 })
	stale, err := redisstore.New(replica, redisstore.Config{Prefix: prefix})
	require.NoError(t, err)
	errs := more(t.Context(), stale, s.ID, attempts(t.Context(), stale, s.ID))
	require.NoError(t, errs["getting a session"], "a GET cannot see it")
	delete(errs, "getting a session")
	for _, nothing := range []string{"sweeping", "forgetting delivered endings", "releasing endings"} {
		delete(errs, nothing) // there may have been nothing to write
	}
	fails(t, token, errs)
	for operation, err := range errs {
		require.Regexp(t, "READONLY|role slave: want the master", err, operation)
	}
	for _, all := range []string{"starting a session", "listing a user's sessions", "ending a user's sessions", "leasing endings"} {
		require.ErrorIs(t, errs[all], redisstore.ErrServer, all)
	}
	require.NoError(t, replica.Do(t.Context(), "REPLICAOF", "NO", "ONE").Err())
	_, err = stale.End(t.Context(), s.ID, newEnding(session.CauseSignedOut))
	require.NoError(t, err)
}

func TestFullServerRefusesSignInsOnly(t *testing.T) {
	client := dial(t, redistest.Run(t, "--maxmemory-policy", "noeviction").Addr)
	store, _ := open(t, client)
	token, s := signedIn(t, store)
	_, other := signedIn(t, store)
	_, third := signedIn(t, store)
	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", "1").Err())

	_, err := store.Start(t.Context(), newSession("ada"), session.Replace{Others: true, Before: other.ID})
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
	leased, err := store.Lease(t.Context(), time.Minute, 10)
	require.NoError(t, err)
	require.Len(t, leased, 2)
	require.NoError(t, store.Delivered(t.Context(), other.ID, third.ID))

	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", "0").Err())
	_, err = store.Start(t.Context(), newSession("ada"), session.Replace{Others: true})
	require.NoError(t, err)
}

// spoilt sets the value of a session to what change makes of it, and returns that.
func spoilt(t *testing.T, client *redis.Client, prefix string, id session.ID, change func(value string) string) string {
	t.Helper()
	key := prefix + ":{" + id.Shard() + "}:s:" + id.String()
	value := change(client.Get(t.Context(), key).Val())
	require.NoError(t, client.Set(t.Context(), key, value, time.Hour).Err())
	return value
}

func TestValueNotUnderstood(t *testing.T) {
	client := shared(t)
	for name, spoil := range map[string]func(value string) string{
		"empty":                    func(string) string { return "" },
		"garbage":                  func(string) string { return "{garbage" },
		"long garbage":             func(string) string { return strings.Repeat("z", 500) },
		"cut short":                func(value string) string { return value[:40] },
		"cut in the tag":           func(value string) string { return value[:43] },
		"cut in the user":          func(value string) string { return value[:53] },
		"another form":             func(value string) string { return value[:1] + "2" + value[2:] },
		"unknown state":            func(value string) string { return "X" + value[1:] },
		"length past the end":      func(value string) string { return value[:35] + "ffffffff" + value[43:] },
		"length that is no number": func(value string) string { return value[:35] + "zzzzzzzz" + value[43:] },
		"negative length":          func(value string) string { return value[:35] + "      -1" + value[43:] },
		"limit that is no number":  func(value string) string { return value[:19] + "zzzzzzzzzzzzzzzz" + value[35:] },
	} {
		t.Run(name, func(t *testing.T) {
			store, prefix := open(t, client)
			token, s := signedIn(t, store)
			_, good := signedIn(t, store)
			value := spoilt(t, client, prefix, s.ID, spoil)
			errs := map[string]error{}
			_, errs["getting a session"] = store.Get(t.Context(), s.ID)
			errs["touching a session"] = store.Touch(t.Context(), s.ID, session.Seen{Time: now.Add(1)})
			_, errs["ending a session"] = store.End(t.Context(), s.ID, journaled(session.CauseSignedOut))
			_, errs["listing a user's sessions"] = store.List(t.Context(), "ada")
			_, errs["starting a session"] = store.Start(t.Context(), newSession("ada"), session.Replace{Renews: s.ID})
			fails(t, token, errs)
			for operation, err := range errs {
				require.ErrorIs(t, err, session.ErrRecord, operation)
			}
			key := prefix + ":{" + s.ID.Shard() + "}:s:" + s.ID.String()
			require.Equal(t, value, client.Get(t.Context(), key).Val(), "it is left as it is")
			got, err := store.Get(t.Context(), good.ID)
			require.NoError(t, err, "others are not concerned")
			require.Equal(t, good, got)
			swept, err := store.Sweep(t.Context(), now)
			require.NoError(t, err)
			require.Zero(t, swept)

			endsAll(t, store, []session.Session{good, {ID: s.ID, User: "ada", Created: s.Created, LastSeen: s.Created}})
		})
	}
}

// endsAll checks that EndUser, or a sign-in that ends others, ends the sessions,
// and that the journal tells of them.
func endsAll(t *testing.T, store *redisstore.Store, want []session.Session) {
	t.Helper()
	sessions, err := store.EndUser(t.Context(), "ada", session.ID{}, journaled(session.CauseRevoked))
	require.NoError(t, err)
	require.ElementsMatch(t, want, sessions)
	for _, s := range want {
		_, err = store.Get(t.Context(), s.ID)
		ended, ok := errors.AsType[*session.EndedError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, session.Ended{Session: s, Ending: journaled(session.CauseRevoked)}, ended.Ended)
	}
	leased, err := store.Lease(t.Context(), time.Minute, 10)
	require.NoError(t, err)
	require.Len(t, leased, len(want))
	list, err := store.List(t.Context(), "ada")
	require.NoError(t, err)
	require.Empty(t, list)
}

// What a later release wrote can be ended by this one.
func TestRecordOfALaterRelease(t *testing.T) {
	client := shared(t)
	for name, later := range map[string]func(value string) string{
		"version": func(value string) string { return regexp.MustCompile(`\{"v":\d+,`).ReplaceAllString(value, `{"v":99,`) },
		"record":  func(value string) string { return value[:strings.IndexByte(value, '{')] + "\x00\x01" },
		"none":    func(value string) string { return value[:strings.IndexByte(value, '{')] },
	} {
		t.Run(name, func(t *testing.T) {
			store, prefix := open(t, client)
			kinds := []session.Kind{session.KindSession, session.KindPending, session.KindDevice, "a later %:kind"}
			var stubs []session.Session
			for _, kind := range append(kinds, kinds...) {
				s := newSession("ada")
				s.Kind = kind
				_, err := store.Start(t.Context(), s, session.Replace{})
				require.NoError(t, err)
				spoilt(t, client, prefix, s.ID, later)
				_, err = store.Get(t.Context(), s.ID)
				require.ErrorIs(t, err, session.ErrRecord)
				stubs = append(stubs, session.Session{ID: s.ID, Kind: kind, User: "ada", Created: s.Created, LastSeen: s.Created})
			}
			one, err := store.End(t.Context(), stubs[0].ID, newEnding(session.CauseSignedOut))
			require.NoError(t, err)
			require.Equal(t, stubs[0], one)
			ended, err := store.Start(t.Context(), newSession("ada"), session.Replace{Others: true, Ending: newEnding("")})
			require.NoError(t, err)
			require.Equal(t, []session.Ended{{Session: stubs[4], Ending: newEnding(session.CauseTerminated)}}, ended)
			device, err := store.EndUser(t.Context(), "ada", session.ID{}, newEnding(session.CauseRevoked), session.KindDevice, kinds[3])
			require.NoError(t, err)
			require.ElementsMatch(t, []session.Session{stubs[2], stubs[3], stubs[6], stubs[7]}, device)
			_, err = store.EndUser(t.Context(), "ada", session.ID{}, newEnding(session.CauseRevoked), session.KindSession)
			require.NoError(t, err)
			endsAll(t, store, []session.Session{stubs[1], stubs[5]})
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
