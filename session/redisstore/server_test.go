package redisstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/redisbase"
	"github.com/mooring-go/mooring/session/internal/redistest"
	"github.com/mooring-go/mooring/session/redisstore"
)

// unfit checks that the steps that need a user's index are refused on a server that
// evicts keys, and that those that need a session's key alone are not.
func unfit(t *testing.T, client redis.UniversalClient, store *redisstore.Store, user string) {
	t.Helper()
	refused := func(err error) {
		t.Helper()
		require.ErrorIs(t, err, redisstore.ErrServer)
		require.ErrorContains(t, err, "maxmemory-policy allkeys-lru: want noeviction")
	}
	s := newSession(user)
	_, err := store.Start(t.Context(), s, session.Replace{})
	refused(err)
	_, err = store.Get(t.Context(), s.ID)
	require.ErrorIs(t, err, session.ErrNotFound, "it was not started")
	_, err = store.List(t.Context(), user)
	refused(err)
	_, err = store.Lease(t.Context(), time.Minute, 1)
	refused(err)
	_, err = store.EndUser(t.Context(), user, session.ID{}, newEnding(session.CauseRevoked))
	refused(err)
}

func setPolicy(t *testing.T, client redis.UniversalClient, policy string) {
	t.Helper()
	set := func(ctx context.Context, node *redis.Client) error {
		return node.ConfigSet(ctx, "maxmemory-policy", policy).Err()
	}
	if cluster, ok := client.(*redis.ClusterClient); ok {
		require.NoError(t, cluster.ForEachMaster(t.Context(), set))
		return
	}
	require.NoError(t, set(t.Context(), client.(*redis.Client)))
}

func TestServersThatEvictAreRefused(t *testing.T) {
	t.Parallel()
	for name, client := range map[string]redis.UniversalClient{"single": dial(t, redistest.Run(t).Addr), "cluster": cluster(t)} {
		t.Run(name, func(t *testing.T) {
			setPolicy(t, client, "allkeys-lru")
			store, _ := open(t, client)
			unfit(t, client, store, "ada")

			// It is found at once that the server is fit now, and in time that it is not.
			setPolicy(t, client, "noeviction")
			redisbase.CheckEvery(store, 50*time.Millisecond)
			s, other := newSession("ada"), newSession("ada")
			for _, each := range []session.Session{s, other} {
				_, err := store.Start(t.Context(), each, session.Replace{})
				require.NoError(t, err)
			}
			setPolicy(t, client, "allkeys-lru")
			redistest.Until(t, "the next look", func() bool {
				_, err := store.List(t.Context(), "ada")
				return err != nil
			})
			_, err := store.Get(t.Context(), s.ID)
			require.NoError(t, err)
			require.NoError(t, store.Touch(t.Context(), s.ID, session.Seen{Time: now.Add(1)}))
			_, err = store.End(t.Context(), s.ID, newEnding(session.CauseSignedOut))
			require.NoError(t, err)
			ended, err := store.EndUser(t.Context(), "ada", session.ID{}, newEnding(session.CauseRevoked))
			require.ErrorIs(t, err, redisstore.ErrServer)
			require.Equal(t, []session.Session{other}, ended, "what it finds it ends all the same")
			unfit(t, client, store, "ada")
		})
	}
}

// While one node of a Cluster does not answer, steps on the others do not wait for it
// each time.
func TestTheCheckWaitsForNoSilentServer(t *testing.T) {
	t.Parallel()
	client, nodes := clusterOf(t, "--cluster-node-timeout", "60000")
	warm, _ := open(t, client)
	_, _ = signedIn(t, warm) // the client itself asks every node at first
	master, err := client.MasterForKey(t.Context(), "any:{"+session.Shard("ada")+"}")
	require.NoError(t, err)
	for _, node := range nodes {
		if node.Addr != master.Options().Addr {
			require.NoError(t, dial(t, node.Addr).Do(t.Context(), "CLIENT", "PAUSE", 20_000, "ALL").Err())
			break
		}
	}
	store, err := redisstore.New(client, redisstore.Config{})
	require.NoError(t, err)
	waited := 0
	for range 20 {
		began := time.Now()
		_, _ = signedIn(t, store)
		if time.Since(began) >= time.Second {
			waited++
		}
	}
	require.Less(t, waited, 10, "each would have waited a second")
}

// rights are the commands that package redisstore says a client's user needs.
var rights = []string{
	"del", "eval", "evalsha", "exists", "get", "getdel", "getrange", "hdel", "hget", "hset", "incrby", "info",
	"pexpire", "pttl", "set", "time", "zadd", "zcard", "zcount", "zdiff", "zlexcount", "zrange", "zrem",
}

// limited makes a user who may run the commands on the keys of the prefix, and on
// no others, and returns a client of that user.
func limited(t *testing.T, server *redis.Client, prefix string, commands []string) *redis.Client {
	t.Helper()
	rules := []any{"ACL", "SETUSER", "mooring", "reset", "on", ">secret", "~" + prefix + ":*"}
	for _, command := range commands {
		rules = append(rules, "+"+command)
	}
	require.NoError(t, server.Do(t.Context(), rules...).Err())
	return dial(t, server.Options().Addr, func(o *redis.Options) { o.Username, o.Password = "mooring", "secret" })
}

// everything makes every step, in such a way that each command is needed.
func everything(t *testing.T, store *redisstore.Store, server *redis.Client, prefix string) error {
	t.Helper()
	ctx := t.Context()
	lost := telling("ada", session.CauseExpired)
	one, two, three := newSession("ada"), newSession("ada"), newSession("ada")
	due, over := telling("ada", session.CauseExpired), newSession("bob")
	past := journaled(session.CauseSignedOut)
	past.Time, past.Keep = now.Add(-2*time.Minute), now.Add(-time.Minute)
	steps := []func() error{
		func() error { _, err := store.Now(ctx); return err },
		func() error { _, err := store.Start(ctx, one, session.Replace{}); return err },
		func() error { return store.Touch(ctx, one.ID, session.Seen{Time: now.Add(1)}) },
		func() error {
			_, err := store.Start(ctx, two, session.Replace{Others: true, Ending: journaled("")})
			return err
		},
		func() error {
			_, err := store.Start(ctx, three, session.Replace{Max: 1, Ending: journaled("")})
			return err
		},
		func() error {
			_, err := store.Start(ctx, newSession("ada"), session.Replace{Max: 1, PerTenant: true, Deny: true})
			if _, denied := errors.AsType[*session.LimitError](err); !denied {
				return err
			}
			return nil
		},
		func() error { _, err := store.List(ctx, "ada"); return err },
		func() error { _, err := store.End(ctx, three.ID, journaled(session.CauseSignedOut)); return err },
		func() error { _, err := store.Start(ctx, lost, session.Replace{}); return err },
		func() error { return server.Del(ctx, prefix+":{"+lost.ID.Shard()+"}:s:"+lost.ID.String()).Err() },
		func() error { _, err := store.Start(ctx, due, session.Replace{}); return err },
		func() error { _, err := store.Start(ctx, over, session.Replace{}); return err },
		func() error { _, err := store.End(ctx, over.ID, past); return err },
		func() error {
			leased, err := store.Lease(ctx, time.Minute, 10)
			for _, e := range leased {
				if err == nil {
					err = store.Release(ctx, 0, e.Session.ID)
				}
			}
			return err
		},
		func() error { _, err := store.Sweep(ctx, now); return err },
		func() error {
			leased, err := store.Lease(ctx, time.Minute, 10)
			for _, e := range leased {
				if err == nil {
					err = store.Delivered(ctx, e.Session.ID)
				}
			}
			return err
		},
		func() error {
			_, err := store.EndUser(ctx, "ada", session.ID{}, newEnding(session.CauseRevoked))
			return err
		},
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func TestLeastRights(t *testing.T) {
	t.Parallel()
	server := dial(t, redistest.Run(t).Addr)
	const prefix = "shop"
	with := func(commands []string) error {
		require.NoError(t, server.FlushAll(t.Context()).Err())
		require.NoError(t, server.ScriptFlush(t.Context()).Err())
		store, err := redisstore.New(limited(t, server, prefix, commands), redisstore.Config{Prefix: prefix})
		require.NoError(t, err)
		redisbase.IndexFrom(store, 0)
		return everything(t, store, server, prefix)
	}
	require.NoError(t, with(rights))
	require.Positive(t, server.DBSize(t.Context()).Val())
	for i, command := range rights {
		err := with(append(append([]string(nil), rights[:i]...), rights[i+1:]...))
		require.Error(t, err, "%s is not needed", command)
		require.Regexp(t, "NOPERM|can't run this command", err, command)
	}
	other, err := redisstore.New(limited(t, server, prefix, rights), redisstore.Config{Prefix: "other"})
	require.NoError(t, err)
	require.ErrorContains(t, everything(t, other, server, prefix), "NOPERM", "keys of another prefix")
}
