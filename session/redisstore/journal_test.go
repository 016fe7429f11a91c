package redisstore_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/redistest"
	"github.com/mooring-go/mooring/session/redisstore"
)

// journaled returns an ending to be delivered.
func journaled(cause session.Cause) session.Ending {
	ending := newEnding(cause)
	ending.Journal = true
	return ending
}

// ends starts and ends a session of the user, for the journal.
func ends(t *testing.T, store *redisstore.Store, user string) session.ID {
	t.Helper()
	s := newSession(user)
	_, err := store.Start(t.Context(), s, session.Replace{})
	require.NoError(t, err)
	_, err = store.End(t.Context(), s.ID, journaled(session.CauseSignedOut))
	require.NoError(t, err)
	return s.ID
}

// leases returns what is leased for the term.
func leases(t *testing.T, store *redisstore.Store, term time.Duration, limit int) []session.ID {
	t.Helper()
	all, err := store.Lease(t.Context(), term, limit)
	require.NoError(t, err)
	var ids []session.ID
	for _, e := range all {
		require.Equal(t, session.CauseSignedOut, e.Ending.Cause)
		ids = append(ids, e.Session.ID)
	}
	return ids
}

func TestJournal(t *testing.T) {
	servers := map[string]redis.UniversalClient{"single": shared(t), "cluster": cluster(t)}
	for name, client := range servers {
		t.Run(name, func(t *testing.T) {
			store, _ := open(t, client)
			require.Empty(t, leases(t, store, time.Minute, 10))
			quiet := newSession("ada")
			_, err := store.Start(t.Context(), quiet, session.Replace{})
			require.NoError(t, err)
			_, err = store.End(t.Context(), quiet.ID, newEnding(session.CauseSignedOut))
			require.NoError(t, err)
			require.Empty(t, leases(t, store, time.Minute, 10), "that was not for the journal")

			a, b, c := ends(t, store, "ada"), ends(t, store, "ada"), ends(t, store, "ada")
			other := ends(t, store, "bob")
			require.Empty(t, leases(t, store, time.Minute, 0))

			first := leases(t, store, time.Minute, 1)
			if first[0] == other { // users come in any order
				first = leases(t, store, time.Minute, 1)
			} else {
				require.Equal(t, []session.ID{other}, leases(t, store, time.Minute, 10), "ada's later ones wait")
			}
			require.Equal(t, []session.ID{a}, first)
			require.Empty(t, leases(t, store, time.Minute, 10))
			require.NoError(t, store.Delivered(t.Context(), other))

			require.NoError(t, store.Release(t.Context(), 0, a))
			require.Equal(t, []session.ID{a, b}, leases(t, store, time.Minute, 2))
			require.NoError(t, store.Delivered(t.Context(), a, session.NewToken("nobody").ID(), session.ID{}))
			require.Empty(t, leases(t, store, time.Minute, 10), "b is leased, and c waits for it")
			require.NoError(t, store.Release(t.Context(), 0, b, c))
			require.Equal(t, []session.ID{b, c}, leases(t, store, time.Minute, 10))
			require.NoError(t, store.Delivered(t.Context(), b, c))
			require.Empty(t, leases(t, store, time.Minute, 10))
			require.NoError(t, store.Delivered(t.Context()))
			require.NoError(t, store.Release(t.Context(), time.Minute))
		})
	}
}

// sameShard returns another user whose sessions are in the same shard.
func sameShard(user string) string {
	for i := 0; ; i++ {
		if other := fmt.Sprint("user ", i); session.Shard(other) == session.Shard(user) {
			return other
		}
	}
}

func TestReleaseHoldsBackThatUserAlone(t *testing.T) {
	store, _ := open(t, shared(t))
	near := sameShard("ada")
	a, b := ends(t, store, "ada"), ends(t, store, near)
	later := ends(t, store, "ada")
	require.ElementsMatch(t, []session.ID{a, later, b}, leases(t, store, time.Minute, 10))
	require.NoError(t, store.Release(t.Context(), time.Hour, a, later))
	require.NoError(t, store.Release(t.Context(), 0, b))
	require.Equal(t, []session.ID{b}, leases(t, store, time.Minute, 10))
	ends(t, store, "ada")
	require.Empty(t, leases(t, store, time.Minute, 10), "what ends later waits too")
}

func TestAPauseIsOver(t *testing.T) {
	store, _ := open(t, shared(t))
	a, later := ends(t, store, "ada"), ends(t, store, "ada")
	require.Equal(t, []session.ID{a, later}, leases(t, store, time.Minute, 10))
	const pause = 300 * time.Millisecond
	begin := time.Now()
	require.NoError(t, store.Release(t.Context(), pause, a, later))
	third := ends(t, store, "ada")
	var got []session.ID
	redistest.Until(t, "the pause", func() bool { got = leases(t, store, time.Minute, 10); return len(got) > 0 })
	require.GreaterOrEqual(t, time.Since(begin), pause-time.Millisecond)
	require.Equal(t, []session.ID{a, later, third}, got)
}

func TestADelivererThatDiedHoldsItsUsersForTheTerm(t *testing.T) {
	store, _ := open(t, shared(t))
	a, b := ends(t, store, "ada"), ends(t, store, "ada")
	begin := time.Now()
	const term = 300 * time.Millisecond
	require.Equal(t, []session.ID{a}, leases(t, store, term, 1))
	var got []session.ID
	redistest.Until(t, "the term", func() bool { got = leases(t, store, time.Minute, 10); return len(got) > 0 })
	require.GreaterOrEqual(t, time.Since(begin), term)
	require.Equal(t, []session.ID{a, b}, got)
}

// What one user has waiting costs others nothing, whether it is in their shard, is
// leased, or is held back.
func TestLeaseIsBoundedByItsLimit(t *testing.T) {
	client := dial(t, redistest.Run(t).Addr)
	store, prefix := open(t, client)
	const limit = 5
	cost := func() int {
		before := commands(t, client)
		all, err := store.Lease(t.Context(), time.Minute, limit)
		require.NoError(t, err)
		require.NotEmpty(t, all)
		total := commands(t, client) - before
		var ids []session.ID
		for _, e := range all {
			ids = append(ids, e.Session.ID)
		}
		require.NoError(t, store.Release(t.Context(), 0, ids...))
		return total
	}
	for range 2 * limit {
		ends(t, store, "ada")
	}
	cost() // loads the scripts
	few := cost()
	backlog(t, client, prefix, "ada", 20_000)
	require.InDelta(t, few, cost(), 8)

	// It is leased in parts, and each other user's part comes in between.
	near, far := sameShard("ada"), "bob"
	waits := map[session.ID]bool{ends(t, store, near): true, ends(t, store, far): true}
	for round := 0; len(waits) > 0; round++ {
		require.Less(t, round, 4, "they still wait")
		all, err := store.Lease(t.Context(), time.Minute, limit)
		require.NoError(t, err)
		for _, e := range all {
			delete(waits, e.Session.ID)
			require.NoError(t, store.Delivered(t.Context(), e.Session.ID))
		}
	}
}

// backlog gives a user further endings to deliver, n of them: copies of one.
func backlog(t *testing.T, client *redis.Client, prefix, user string, n int) {
	t.Helper()
	base := prefix + ":{" + session.Shard(user) + "}:"
	queue := base + "j:" + user
	last, err := client.ZRangeWithScores(t.Context(), queue, -1, -1).Result()
	require.NoError(t, err)
	value := client.Get(t.Context(), base+"s:"+last[0].Member.(string)).Val()
	for i := 0; i < n; i += 1000 {
		_, err := client.Pipelined(t.Context(), func(pipe redis.Pipeliner) error {
			for j := range 1000 {
				id := session.NewToken(user).ID().String()
				pipe.Set(t.Context(), base+"s:"+id, strings.Replace(value, last[0].Member.(string), id, 1), time.Hour)
				pipe.ZAdd(t.Context(), queue, redis.Z{Score: last[0].Score + 1 + float64(i+j), Member: id})
			}
			return nil
		})
		require.NoError(t, err)
	}
}

func TestJournalGivesEachEndingOnce(t *testing.T) {
	store, _ := open(t, shared(t))
	const users, perUser = 8, 4
	want := map[string][]session.ID{}
	for i := range users * perUser {
		user := fmt.Sprint("user ", i%users)
		want[user] = append(want[user], ends(t, store, user))
	}
	var mu sync.Mutex
	var failure error
	got := map[string][]session.ID{}
	total := 0
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for {
				all, err := store.Lease(t.Context(), time.Minute, 3)
				mu.Lock()
				if err != nil {
					failure = err
				}
				for _, e := range all {
					got[e.Session.User] = append(got[e.Session.User], e.Session.ID)
				}
				total += len(all)
				done := failure != nil || total >= users*perUser
				mu.Unlock()
				if done {
					return
				}
				for _, e := range all {
					_ = store.Delivered(t.Context(), e.Session.ID)
				}
			}
		})
	}
	running.Wait()
	require.NoError(t, failure)
	require.Equal(t, want, got)
}

// endedLongAgo starts and ends a session whose ending was kept until before now, and
// returns when.
func endedLongAgo(t *testing.T, store *redisstore.Store, user string) (session.ID, time.Time) {
	t.Helper()
	s := newSession(user)
	_, err := store.Start(t.Context(), s, session.Replace{})
	require.NoError(t, err)
	ending := journaled(session.CauseSignedOut)
	ending.Time, ending.Keep = now.Add(-2*time.Minute), now.Add(-time.Minute)
	_, err = store.End(t.Context(), s.ID, ending)
	require.NoError(t, err)
	return s.ID, ending.Keep
}

func TestWhatIsDroppedUndeliveredIsCounted(t *testing.T) {
	client := shared(t)
	for name, drop := range map[string]func(store *redisstore.Store, key string) int{
		"by Sweep": func(*redisstore.Store, string) int { return 1 },
		"by Lease": func(store *redisstore.Store, _ string) int {
			require.Empty(t, leases(t, store, time.Minute, 10), "Keep has come")
			return 1
		},
		"by the server": func(_ *redisstore.Store, key string) int {
			require.NoError(t, client.Del(t.Context(), key).Err())
			return 0
		},
		"by the server, and found by Start": func(store *redisstore.Store, key string) int {
			require.NoError(t, client.Del(t.Context(), key).Err())
			_, err := store.Start(t.Context(), newSession(sameShard("ada")), session.Replace{})
			require.NoError(t, err)
			return 0
		},
		"by the server, and found by Lease": func(store *redisstore.Store, key string) int {
			require.NoError(t, client.Del(t.Context(), key).Err())
			require.Empty(t, leases(t, store, time.Minute, 10))
			return 0
		},
	} {
		t.Run(name, func(t *testing.T) {
			store, prefix := open(t, client)
			id, keep := endedLongAgo(t, store, "ada")
			told := ends(t, store, "bob")
			require.Equal(t, []session.ID{told}, leases(t, store, time.Minute, 1))
			require.NoError(t, store.Delivered(t.Context(), told))
			forgotten := drop(store, prefix+":{"+id.Shard()+"}:s:"+id.String())
			swept, err := store.Sweep(t.Context(), keep)
			require.NoError(t, err)
			require.Equal(t, session.Swept{Forgotten: forgotten, Undelivered: 1}, swept)
			swept, err = store.Sweep(t.Context(), keep)
			require.NoError(t, err)
			require.Zero(t, swept)
			require.Empty(t, leases(t, store, time.Minute, 10))
			for _, key := range keys(t.Context(), client, prefix) {
				require.NotContains(t, key, "}:j:")
				require.NotContains(t, key, "}:w")
			}
		})
	}
}
