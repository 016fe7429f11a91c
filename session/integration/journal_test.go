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

func TestJournalOfManyProcesses(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		t.Parallel()
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
					leased, err := worker.Lease(t.Context(), time.Minute, 3)
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
