package integration

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// journal is a store with what its tests say about it.
type journal struct {
	*testing.T
	*sqlstore.Store
}

// ended starts a session of the user and ends it, to be delivered.
func (j journal) ended(user string) session.ID {
	j.Helper()
	s := newSession(user)
	_, err := j.Start(j.Context(), s, session.Replace{})
	require.NoError(j, err)
	_, err = j.End(j.Context(), s.ID, journaled(session.CauseSignedOut))
	require.NoError(j, err)
	return s.ID
}

// leases checks what is leased for a minute.
func (j journal) leases(at time.Time, limit int, want ...session.ID) {
	j.Helper()
	leased, err := j.Lease(j.Context(), at, at.Add(time.Minute), limit)
	require.NoError(j, err)
	var ids []session.ID
	for _, e := range leased {
		ids = append(ids, e.Session.ID)
		require.True(j, e.Ending.Journal)
	}
	require.Equal(j, want, ids)
}

func eachJournal(t *testing.T, test func(journal)) {
	eachEngine(t, func(t *testing.T, e engine) {
		store, _ := e.store(t, e.open(t))
		test(journal{t, store})
	})
}

func TestJournalKeepsWhatAsksForIt(t *testing.T) {
	eachJournal(t, func(j journal) {
		quiet, a, b := newSession("ada"), newSession("ada"), newSession("ada")
		for _, s := range []session.Session{quiet, a, b} {
			_, err := j.Start(j.Context(), s, session.Replace{})
			require.NoError(j, err)
		}
		_, err := j.End(j.Context(), quiet.ID, newEnding(session.CauseSignedOut))
		require.NoError(j, err)
		next := newSession("ada")
		replace := session.Replace{From: a.ID, Others: true, Ending: journaled("")}
		started, err := j.Start(j.Context(), next, replace)
		require.NoError(j, err)
		require.Len(j, started, 2)
		leased, err := j.Lease(j.Context(), now, now.Add(time.Minute), 10)
		require.NoError(j, err)
		require.ElementsMatch(j, started, leased)

		revoked, err := j.EndUser(j.Context(), "ada", session.ID{}, journaled(session.CauseRevoked))
		require.NoError(j, err)
		require.Equal(j, []session.Session{next}, revoked)
		j.leases(now, 10)
		require.NoError(j, j.Delivered(j.Context(), a.ID, b.ID, quiet.ID, session.ID{}))
		j.leases(now, 10, next.ID)

		_, err = j.Start(j.Context(), next, session.Replace{Others: true, Ending: journaled("")})
		require.ErrorIs(j, err, session.ErrExists)
		j.leases(now.Add(2*time.Minute), 10, next.ID)
	})
}

func TestJournalLeasesInTheOrderOfEachUser(t *testing.T) {
	eachJournal(t, func(j journal) {
		a1, b1, a2, a3 := j.ended("ada"), j.ended("bob"), j.ended("ada"), j.ended("ada")
		j.leases(now, 0)
		j.leases(now, 1, a1)
		j.leases(now, 10, b1) // ada's others wait for the first
		j.leases(now, 10)
		require.NoError(j, j.Delivered(j.Context(), a1))
		j.leases(now, 1, a2)
		require.NoError(j, j.Release(j.Context(), a2, session.ID{}))
		j.leases(now, 10, a2, a3)
		j.leases(now.Add(time.Minute-1), 10)
		j.leases(now.Add(time.Minute), 10, b1, a2, a3)
		j.leases(now.Add(time.Hour-1), 1, b1)
		j.leases(now.Add(time.Hour), 10) // Keep has come

		n, err := j.Sweep(j.Context(), now.Add(time.Hour))
		require.NoError(j, err)
		require.Equal(j, 4, n)
		j.leases(now, 10)
	})
}

func TestJournalOfManyProcesses(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		dsn := e.dsn(t)
		store, table := e.store(t, e.connect(t, dsn))
		const users, each = 6, 12
		var mu sync.Mutex
		want, got := map[string][]session.ID{}, map[string][]session.ID{}
		var running sync.WaitGroup
		for i := range users {
			running.Go(func() {
				user := fmt.Sprint("user ", i)
				for range each {
					id := journal{t, store}.ended(user)
					mu.Lock()
					want[user] = append(want[user], id)
					mu.Unlock()
				}
			})
		}
		delivered := func() int {
			mu.Lock()
			defer mu.Unlock()
			n := 0
			for _, ids := range got {
				n += len(ids)
			}
			return n
		}
		for range 4 {
			worker := e.over(t, e.connect(t, dsn), table)
			running.Go(func() {
				for delivered() < users*each && t.Context().Err() == nil {
					leased, err := worker.Lease(t.Context(), now, now.Add(time.Minute), 3)
					if !assert.NoError(t, err) {
						return
					}
					for _, ended := range leased {
						mu.Lock()
						got[ended.Session.User] = append(got[ended.Session.User], ended.Session.ID)
						mu.Unlock()
						assert.NoError(t, worker.Delivered(t.Context(), ended.Session.ID))
					}
				}
			})
		}
		running.Wait()
		require.Equal(t, want, got, "each once, and each user's in order")
	})
}
