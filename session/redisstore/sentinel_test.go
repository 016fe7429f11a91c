package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/redistest"
	"github.com/mooring-go/mooring/session/sessiontest"
)

// watched starts a master, a replica of it and a Sentinel that watches them, and
// returns a client that asks the Sentinel who the master is.
func watched(t *testing.T) (client *redis.Client, master, replica, sentinel *redistest.Server) {
	t.Helper()
	master, replica, sentinel = redistest.Watched(t)
	client = redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: redistest.MasterSet, SentinelAddrs: []string{sentinel.Addr}, ContextTimeoutEnabled: true,
	})
	t.Cleanup(func() { _ = client.Close() })
	return client, master, replica, sentinel
}

func TestStoreUnderSentinel(t *testing.T) {
	t.Parallel()
	client, _, _, _ := watched(t)
	sessiontest.RunStore(t, func(t *testing.T) session.Store {
		store, _ := open(t, client)
		return store
	})
}

// The store goes on with the replica by itself. What the replica had is there,
// and what ended stays ended.
func TestFailover(t *testing.T) {
	t.Parallel()
	client, master, replica, _ := watched(t)
	store, _ := open(t, client)
	_, s := signedIn(t, store)
	_, gone := signedIn(t, store)
	ending := newEnding(session.CauseSignedOut)
	ending.Journal = true
	_, err := store.End(t.Context(), gone.ID, ending)
	require.NoError(t, err)
	redistest.Until(t, "the replica", func() bool { return client.Wait(t.Context(), 1, 0).Val() == 1 })

	master.Stop()
	redistest.Until(t, "the failover", func() bool {
		_, err := store.End(t.Context(), session.NewToken("nobody").ID(), ending) // a step for a master alone
		return errors.Is(err, session.ErrNotFound)
	})
	require.Contains(t, dial(t, replica.Addr).Info(t.Context(), "replication").Val(), "role:master")
	got, err := store.Get(t.Context(), s.ID)
	require.NoError(t, err)
	require.Equal(t, s, got)
	_, err = store.Get(t.Context(), gone.ID)
	_, ended := errors.AsType[*session.EndedError](err)
	require.True(t, ended, "what ended stays ended: %v", err)
	require.Equal(t, []session.ID{gone.ID}, leases(t, store, time.Minute, 10), "and its event is not lost")
	_, err = store.Start(t.Context(), newSession("ada"), session.Replace{Others: true, Ending: newEnding("")})
	require.NoError(t, err)
}

// A failover that is asked for loses nothing where writes are stopped before, as
// package redisstore says.
func TestPlannedFailover(t *testing.T) {
	t.Parallel()
	client, master, replica, sentinel := watched(t)
	store, _ := open(t, client)
	var mu sync.Mutex
	var live, ended []session.ID
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for i := range 4 {
		user := fmt.Sprint("user ", i)
		running.Go(func() {
			for ctx.Err() == nil {
				first, second := newSession(user), newSession(user)
				_, err := store.Start(ctx, first, session.Replace{})
				if err != nil {
					continue
				}
				if _, err = store.Start(ctx, second, session.Replace{}); err != nil {
					continue
				}
				mu.Lock()
				live = append(live, second.ID)
				mu.Unlock()
				if _, err = store.End(ctx, first.ID, newEnding(session.CauseSignedOut)); err == nil {
					mu.Lock()
					ended = append(ended, first.ID)
					mu.Unlock()
				}
			}
		})
	}
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(ended)
	}
	redistest.Until(t, "some sessions", func() bool { return count() > 100 })
	operator := dial(t, master.Addr, func(o *redis.Options) { o.ReadTimeout = time.Minute })
	require.NoError(t, operator.Do(t.Context(), "CLIENT", "PAUSE", 120_000, "WRITE").Err()) // ends with the failover
	synced, err := operator.Wait(t.Context(), 1, time.Minute).Result()
	require.NoError(t, err)
	require.EqualValues(t, 1, synced)
	sentinel.Failover(t)
	promoted := dial(t, replica.Addr)
	redistest.Until(t, "the failover", func() bool {
		return strings.Contains(promoted.Info(t.Context(), "replication").Val(), "role:master")
	})
	before := count()
	redistest.Until(t, "sessions after it", func() bool { return count() > before+20 })
	stop()
	running.Wait()
	require.Contains(t, client.Info(t.Context(), "replication").Val(), "role:master")
	for _, id := range live {
		_, err := store.Get(t.Context(), id)
		require.NoError(t, err, "it was started")
	}
	for _, id := range ended {
		_, err := store.Get(t.Context(), id)
		_, hasEnded := errors.AsType[*session.EndedError](err)
		require.True(t, hasEnded, "it had ended: %v", err)
	}
}
