package redisstore_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/redisstore"
)

// ends starts and ends a session of the user, for the journal.
func ends(t *testing.T, store *redisstore.Store, user string) session.ID {
	t.Helper()
	s := newSession(user)
	_, err := store.Start(t.Context(), s, session.Replace{})
	require.NoError(t, err)
	ending := newEnding(session.CauseSignedOut)
	ending.Journal = true
	_, err = store.End(t.Context(), s.ID, ending)
	require.NoError(t, err)
	return s.ID
}

func leases(t *testing.T, store *redisstore.Store, at, until time.Time, limit int) []session.ID {
	t.Helper()
	all, err := store.Lease(t.Context(), at, until, limit)
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
			soon, later := now.Add(time.Minute), now.Add(2*time.Minute)
			require.Empty(t, leases(t, store, now, soon, 10))
			quiet := newSession("ada")
			_, err := store.Start(t.Context(), quiet, session.Replace{})
			require.NoError(t, err)
			_, err = store.End(t.Context(), quiet.ID, newEnding(session.CauseSignedOut))
			require.NoError(t, err)
			require.Empty(t, leases(t, store, now, soon, 10), "that was not for the journal")

			a, b, c := ends(t, store, "ada"), ends(t, store, "ada"), ends(t, store, "ada")
			other := ends(t, store, "bob")
			require.Empty(t, leases(t, store, now, soon, 0))

			first := leases(t, store, now, soon, 1)
			if first[0] == other { // users come in any order
				first = leases(t, store, now, soon, 1)
			} else {
				require.Equal(t, []session.ID{other}, leases(t, store, now, soon, 10), "ada's later ones wait")
			}
			require.Equal(t, []session.ID{a}, first)
			require.Empty(t, leases(t, store, now, soon, 10))
			require.NoError(t, store.Delivered(t.Context(), other))

			require.NoError(t, store.Release(t.Context(), a))
			require.Equal(t, []session.ID{a, b}, leases(t, store, now, soon, 2))
			require.NoError(t, store.Delivered(t.Context(), a, session.NewToken("nobody").ID(), session.ID{}))
			require.Empty(t, leases(t, store, soon.Add(-1), later, 10), "leased until then")
			require.Equal(t, []session.ID{b, c}, leases(t, store, soon, later, 10))
			require.NoError(t, store.Delivered(t.Context(), b, c))
			require.Empty(t, leases(t, store, later, later.Add(time.Minute), 10))

			ends(t, store, "ada")
			kept := newEnding("").Keep
			require.Empty(t, leases(t, store, kept, kept.Add(1), 10), "at Keep it is forgotten")
			require.Empty(t, leases(t, store, now, soon, 10))
			require.NoError(t, store.Delivered(t.Context()))
		})
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
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for {
				all, err := store.Lease(t.Context(), now, now.Add(time.Minute), 3)
				mu.Lock()
				if err != nil {
					failure = err
				}
				done := failure != nil || len(all) == 0
				for _, e := range all {
					got[e.Session.User] = append(got[e.Session.User], e.Session.ID)
				}
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
	// Whoever found nothing stopped, while others still held what comes before.
	for range users * perUser {
		all, err := store.Lease(t.Context(), now, now.Add(time.Minute), 100)
		require.NoError(t, err)
		for _, e := range all {
			got[e.Session.User] = append(got[e.Session.User], e.Session.ID)
			require.NoError(t, store.Delivered(t.Context(), e.Session.ID))
		}
	}
	require.Equal(t, want, got)
}

func TestSweepEmptiesTheJournal(t *testing.T) {
	client := shared(t)
	store, prefix := open(t, client)
	ends(t, store, "ada")
	require.NotEmpty(t, leases(t, store, now, now.Add(time.Minute), 1))
	n, err := store.Sweep(t.Context(), newEnding("").Keep)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	for _, key := range keys(t.Context(), client, prefix) {
		require.Contains(t, key, "}:c:", "what is left are the notes of scripts")
	}
}
