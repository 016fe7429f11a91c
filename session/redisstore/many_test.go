package redisstore_test

import (
	"context"
	"os"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/redistest"
	"github.com/mooring-go/mooring/session/redisstore"
)

// many returns how many sessions a user has in these tests: 2,000, or what the
// environment says.
func many(t testing.TB) int {
	t.Helper()
	text, ok := os.LookupEnv("MOORING_MANY_SESSIONS")
	if !ok {
		return 2000
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// startMany starts n sessions of the user, signed in one nanosecond after the other.
func startMany(t testing.TB, store *redisstore.Store, user string, kind session.Kind, n int) []session.Session {
	t.Helper()
	sessions := make([]session.Session, n)
	errs := make([]error, n)
	var running sync.WaitGroup
	for worker := range 8 {
		running.Go(func() {
			for i := worker; i < n; i += 8 {
				s := located(user)
				s.Kind = kind
				s.Created = now.Add(time.Duration(i - n))
				sessions[i] = s
				_, errs[i] = store.Start(t.Context(), s, session.Replace{})
			}
		})
	}
	running.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	return sessions
}

// A user of any number of sessions can be ended within one call, in steps that are
// short, so that nobody waits for it longer than some milliseconds.
func TestManySessionsOfOneUser(t *testing.T) {
	n := many(t)
	server := redistest.Run(t)
	client := dial(t, server.Addr)
	store, _ := open(t, client)
	other := newSession("bob")
	_, err := store.Start(t.Context(), other, session.Replace{})
	require.NoError(t, err)
	timed := func(what string, do func(ctx context.Context)) {
		t.Helper()
		require.NoError(t, client.ConfigResetStat(t.Context()).Err())
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begin := time.Now()
		do(ctx)
		took := time.Since(begin)
		all := commands(t, client)
		steps, each := scripts(t, client)
		t.Logf("%s: %d sessions in %s, %d steps of %d commands and %s each", what, n, took.Round(time.Millisecond), steps, all/steps, each)
		require.Less(t, all/steps, 3000, "%s: commands in each step", what) // to look at all shards counts too
	}

	all := startMany(t, store, "ada", session.KindSession, n)
	timed("List", func(ctx context.Context) {
		list, err := store.List(ctx, "ada")
		require.NoError(t, err)
		require.Len(t, list, n)
		require.Equal(t, all[n-1], list[0])
	})
	timed("Start with Max", func(ctx context.Context) {
		ended, err := store.Start(ctx, newSession("ada"), session.Replace{Max: 10, Ending: journaled("")})
		require.NoError(t, err)
		require.Len(t, ended, n-9)
		for i, e := range ended {
			require.Equal(t, all[i].ID, e.Session.ID, "the oldest first")
		}
	})
	startMany(t, store, "ada", session.KindSession, n-1)
	timed("Start with Others", func(ctx context.Context) {
		ended, err := store.Start(ctx, newSession("ada"), session.Replace{Others: true, Ending: journaled("")})
		require.NoError(t, err)
		require.Len(t, ended, n+9)
	})
	startMany(t, store, "ada", session.KindPending, n)
	startMany(t, store, "ada", session.KindDevice, 1)
	timed("Start beside many pending", func(ctx context.Context) {
		_, err := store.Start(ctx, newSession("ada"), session.Replace{Others: true, Max: 10, Ending: newEnding("")})
		require.NoError(t, err)
	})
	timed("EndUser", func(ctx context.Context) {
		ended, err := store.EndUser(ctx, "ada", session.ID{}, journaled(session.CauseRevoked))
		require.NoError(t, err)
		require.Len(t, ended, n+2)
	})
	list, err := store.List(t.Context(), "ada")
	require.NoError(t, err)
	require.Empty(t, list)
	timed("Lease", func(ctx context.Context) {
		leased, err := store.Lease(ctx, time.Minute, 100)
		require.NoError(t, err)
		require.Len(t, leased, 100)
	})
	_, err = store.Get(t.Context(), other.ID)
	require.NoError(t, err)
}

// scripts returns how many scripts the server ran since its statistics began, and how
// long each took.
func scripts(t *testing.T, client *redis.Client) (calls int, each time.Duration) {
	t.Helper()
	info, err := client.Info(t.Context(), "commandstats").Result()
	require.NoError(t, err)
	total := 0
	for _, found := range regexp.MustCompile(`cmdstat_eval(?:sha)?:calls=(\d+),usec=(\d+)`).FindAllStringSubmatch(info, -1) {
		n, err := strconv.Atoi(found[1])
		require.NoError(t, err)
		took, err := strconv.Atoi(found[2])
		require.NoError(t, err)
		calls, total = calls+n, total+took
	}
	require.NotZero(t, calls)
	return calls, time.Duration(total/calls) * time.Microsecond
}

// What was ended before the call was given up stays ended, and is returned.
func TestManySessionsEndedInPart(t *testing.T) {
	for name, end := range map[string]func(ctx context.Context, store *redisstore.Store) ([]session.ID, error){
		"EndUser": func(ctx context.Context, store *redisstore.Store) ([]session.ID, error) {
			ended, err := store.EndUser(ctx, "ada", session.ID{}, newEnding(session.CauseRevoked))
			var ids []session.ID
			for _, s := range ended {
				ids = append(ids, s.ID)
			}
			return ids, err
		},
		"Start": func(ctx context.Context, store *redisstore.Store) ([]session.ID, error) {
			ended, err := store.Start(ctx, newSession("ada"), session.Replace{Others: true, Ending: newEnding("")})
			var ids []session.ID
			for _, e := range ended {
				ids = append(ids, e.Session.ID)
			}
			return ids, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			hooked := &canceller{}
			client := shared(t)
			client.AddHook(hooked)
			store, _ := open(t, client)
			all := startMany(t, store, "ada", session.KindSession, 1000)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			hooked.after(2, cancel)
			ended, err := end(ctx, store)
			require.ErrorIs(t, err, context.Canceled)
			require.NotEmpty(t, ended)
			require.Less(t, len(ended), len(all))
			for i, id := range ended {
				require.Equal(t, all[i].ID, id, "the oldest first")
			}
			list, err := store.List(t.Context(), "ada")
			require.NoError(t, err)
			require.Len(t, list, len(all)-len(ended))
			rest, err := end(t.Context(), store)
			require.NoError(t, err)
			require.Len(t, rest, len(list))
		})
	}
}

// canceller is a hook that cancels a context after some commands.
type canceller struct {
	mu     sync.Mutex
	left   int
	cancel context.CancelFunc
}

func (c *canceller) after(n int, cancel context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left, c.cancel = n, cancel
}

func (c *canceller) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *canceller) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.left > 0 {
			if c.left--; c.left == 0 {
				c.cancel()
			}
		}
		return err
	}
}

func (c *canceller) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
