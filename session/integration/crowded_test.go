package integration

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// crowdVariable is how many sessions one user has in the tests of users with many:
// 100000, say. If it is not set it is 2000, and 5000 in the long version.
const crowdVariable = "MOORING_SQL_CROWD"

func crowded(t *testing.T) int {
	t.Helper()
	text := os.Getenv(crowdVariable)
	if text == "" && long() {
		return 5000
	}
	if text == "" {
		return 2000
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, crowdVariable)
	require.Positive(t, n, crowdVariable)
	return n
}

// count returns how many rows of the table are as the condition says.
func (e engine) count(t *testing.T, store *sqlstore.Store, user string) int {
	t.Helper()
	live, err := store.List(t.Context(), user)
	require.NoError(t, err)
	return len(live)
}

// However many sessions a user has, each is ended, and told.
func TestAUserOfManySessionsIsRevoked(t *testing.T) {
	eachHeavy(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store, table := e.store(t, db)
		n := crowded(t)
		e.fill(t, db, table, crowd{n: n, user: "ada", ended: "0", until: now.Add(time.Hour)})
		began := time.Now()
		ended, err := store.EndUser(t.Context(), "ada", session.ID{}, journaled(session.CauseRevoked))
		require.NoError(t, err)
		require.Len(t, ended, n)
		require.Zero(t, e.count(t, store, "ada"))
		t.Logf("%d sessions ended in %s", n, time.Since(began))

		began = time.Now()
		leased, err := store.Lease(t.Context(), time.Minute, 100)
		require.NoError(t, err)
		require.Len(t, leased, 100)
		t.Logf("100 of them leased in %s", time.Since(began))
	})
}

// A sign-in that ends all others ends any number of them.
func TestAUserOfManySessionsSignsIn(t *testing.T) {
	eachHeavy(t, func(t *testing.T, e engine) {
		db := e.open(t)
		n := crowded(t)
		for name, replace := range map[string]session.Replace{
			"others":  {Others: true, Ending: newEnding("")},
			"maximum": {Max: 5, Ending: newEnding("")},
			"tenant":  {Max: 5, PerTenant: true, Ending: newEnding("")},
		} {
			store, table := e.store(t, db)
			e.fill(t, db, table, crowd{n: n, user: "ada", ended: "0", until: now.Add(time.Hour)})
			before, renewed := newSession("ada"), newSession("ada")
			for _, s := range []session.Session{before, renewed} {
				_, err := store.Start(t.Context(), s, session.Replace{})
				require.NoError(t, err)
			}
			began := time.Now()
			next := newSession("ada")
			replace.Before, replace.Renews = before.ID, renewed.ID
			ended, err := store.Start(t.Context(), next, replace)
			require.NoError(t, err)
			t.Logf("%s: %d sessions ended in %s", name, len(ended), time.Since(began))
			stay := 1
			if replace.Max > 0 {
				stay = replace.Max
			}
			require.Len(t, ended, n+2-(stay-1))
			require.Equal(t, stay, e.count(t, store, "ada"))
			causes := map[session.Cause]int{}
			for _, one := range ended {
				causes[one.Ending.Cause]++
				if one.Session.ID == before.ID {
					require.Equal(t, session.CauseReplaced, one.Ending.Cause)
				}
				if one.Session.ID == renewed.ID {
					require.Equal(t, session.CauseRenewed, one.Ending.Cause)
				}
			}
			require.Len(t, causes, 3, "%v", causes)
		}
	})
}

// A sign-in that counts the sessions of a tenant looks at those alone, by an index.
func TestASignInLooksAtItsTenantAlone(t *testing.T) {
	eachHeavy(t, func(t *testing.T, e engine) {
		dsn := e.dsn(t)
		plain := e.connect(t, dsn)
		_, table := e.store(t, plain)
		e.fill(t, plain, table, crowd{n: 5000, user: "ada", tenant: "a", ended: "0", until: now.Add(time.Hour)})
		db, trips := e.recorded(t, dsn)
		store := e.over(t, db, table)
		require.NoError(t, store.Migrate(t.Context()))
		sessions := []session.Session{newSession("ada"), newSession("ada")}
		for i := range sessions {
			sessions[i].Tenant = "b"
			sessions[i].Created = now.Add(time.Duration(i))
		}
		_, err := store.Start(t.Context(), sessions[0], session.Replace{})
		require.NoError(t, err)
		trips.take()
		ended, err := store.Start(t.Context(), sessions[1], session.Replace{Max: 1, PerTenant: true, Ending: newEnding("")})
		require.NoError(t, err)
		require.Len(t, ended, 1)
		require.Equal(t, sessions[0].ID, ended[0].Session.ID)
		index := table + "_tenant"
		if e.dialect == sqlstore.MySQL {
			index = " key=session_tenant "
		}
		explained := 0
		for _, asked := range trips.take() {
			if (asked.what == "query" || asked.what == "exec") && strings.Contains(asked.query, "ORDER BY created") {
				explained++
				require.Contains(t, strings.Join(e.explain(t, plain, asked), "\n"), index, asked.query)
			}
		}
		require.Equal(t, 1, explained)
	})
}

// A sign-in ends many sessions in several transactions, whatever they are counted by:
// others see that some have ended before all have.
func TestASignInEndsManySessionsInSteps(t *testing.T) {
	eachHeavy(t, func(t *testing.T, e engine) {
		db := e.open(t)
		for name, replace := range map[string]session.Replace{
			"others":            {Others: true, Ending: newEnding("")},
			"tenant":            {Max: 1, PerTenant: true, Ending: newEnding("")},
			"others and tenant": {Others: true, Max: 1, PerTenant: true, Ending: newEnding("")},
		} {
			store, table := e.store(t, db)
			n := crowded(t)
			e.fill(t, db, table, crowd{n: n, user: "ada", ended: "0", until: now.Add(time.Hour)})
			done, seen := make(chan struct{}), make(chan int, 1)
			go func() {
				live := n
				for live == n {
					select {
					case <-done:
						live = 0
					default:
						if db.QueryRow("SELECT COUNT(*) FROM "+e.quote(table)+" WHERE ended = 0").Scan(&live) != nil {
							live = n // it was busy
						}
					}
				}
				seen <- live
			}()
			ended, err := store.Start(t.Context(), newSession("ada"), replace)
			close(done)
			require.NoError(t, err, name)
			require.Len(t, ended, n, name)
			live := <-seen
			require.Greater(t, live, 1, "%s: some are seen to have ended first", name)
			require.Less(t, live, n, name)
		}
	})
}

// What a call has ended by its deadline stays ended, and is told; the next call
// goes on. What the call does not know of, as its commit was under way, is in the
// journal like all.
func TestPartOfAUsersSessionsIsRevoked(t *testing.T) {
	eachHeavy(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store, table := e.store(t, db)
		n := crowded(t)
		ended := map[session.ID]bool{}
		filled, patience, partial := 0, time.Millisecond, 0
		// A machine that stood still for a while may give the next call time for all.
		for began := time.Now(); partial == 0; patience = max(time.Millisecond, patience/2) {
			require.Less(t, time.Since(began), time.Minute, "no deadline came amid a call")
			e.fill(t, db, table, crowd{n: n, user: "ada", ended: "0", until: now.Add(time.Hour)})
			filled += n
			// Each call has time for some of them, however slow the machine is.
			for {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				some, err := store.EndUser(ctx, "ada", session.ID{}, journaled(session.CauseRevoked))
				cancel()
				for _, s := range some {
					require.False(t, ended[s.ID], "each once")
					ended[s.ID] = true
				}
				if err == nil {
					break
				}
				require.ErrorIs(t, err, context.DeadlineExceeded)
				if len(some) > 0 {
					partial++
				} else {
					patience *= 2
				}
				require.Less(t, patience, time.Minute, "nothing is ended")
			}
		}
		require.Zero(t, e.count(t, store, "ada"))
		told := 0
		for {
			leased, err := store.Lease(t.Context(), time.Minute, 1000)
			require.NoError(t, err)
			if len(leased) == 0 {
				break
			}
			var ids []session.ID
			for _, one := range leased {
				ids = append(ids, one.Session.ID)
				delete(ended, one.Session.ID)
			}
			told += len(ids)
			require.NoError(t, store.Delivered(t.Context(), ids...))
		}
		require.Equal(t, filled, told)
		require.Empty(t, ended, "what was returned is in the journal")
	})
}

// A user with a long backlog is leased no slower than others are, and does not
// keep them waiting.
func TestLeasingFromALongBacklog(t *testing.T) {
	eachHeavy(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store, table := e.store(t, db)
		e.fill(t, db, table, crowd{n: 4 * crowded(t), user: "ada", ended: "1", until: now.Add(time.Hour)})
		bob := journal{t, store}.ended("bob")
		var took []time.Duration
		found := false
		for range 20 {
			began := time.Now()
			leased, err := store.Lease(t.Context(), time.Minute, 50)
			took = append(took, time.Since(began))
			require.NoError(t, err)
			require.NotEmpty(t, leased)
			var ids []session.ID
			for _, one := range leased {
				found = found || one.Session.ID == bob
				ids = append(ids, one.Session.ID)
			}
			require.NoError(t, store.Delivered(t.Context(), ids...))
		}
		require.True(t, found)
		slices.Sort(took) // a busy machine may stand still in some of them
		t.Logf("a lease takes %s, the longest %s", took[len(took)/2], took[len(took)-1])
		require.Less(t, took[len(took)/2], time.Second)
	})
}

// A backlog that nobody delivered in time costs Lease no more than its limit, and
// is counted when it is forgotten.
func TestLeasingFromABacklogThatIsPast(t *testing.T) {
	eachHeavy(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store, table := e.store(t, db)
		n := crowded(t)
		e.fill(t, db, table, crowd{n: n, user: "ada", ended: "1", until: now})
		fresh := journal{t, store}.ended("ada")
		bob := journal{t, store}.ended("bob")
		leased, err := store.Lease(t.Context(), time.Minute, 10)
		require.NoError(t, err)
		require.Len(t, leased, 1)
		require.Equal(t, bob, leased[0].Session.ID)
		swept, err := store.Sweep(t.Context(), now)
		require.NoError(t, err)
		require.Equal(t, session.Swept{Forgotten: n, Undelivered: n}, swept)
		leased, err = store.Lease(t.Context(), time.Minute, 10)
		require.NoError(t, err)
		require.Len(t, leased, 1)
		require.Equal(t, fresh, leased[0].Session.ID)
	})
}

// Those who wait for the turn of one user hold no connection, so that all others
// do not notice.
func TestManySignInsOfOneUser(t *testing.T) {
	eachHeavy(t, func(t *testing.T, e engine) {
		const connections = 16
		db := e.open(t)
		db.SetMaxOpenConns(connections)
		db.SetMaxIdleConns(connections)
		store, _ := e.store(t, db)
		bob := newSession("bob")
		_, err := store.Start(t.Context(), bob, session.Replace{})
		require.NoError(t, err)
		n := crowded(t) / 10
		most := 2 // who has the turn, and who reads
		var running sync.WaitGroup
		for range n {
			running.Go(func() {
				_, err := store.Start(t.Context(), newSession("ada"), session.Replace{Max: 1, Ending: newEnding("")})
				assert.NoError(t, err)
			})
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			running.Wait()
		}()
		inUse, reads := 0, 0
		var longest time.Duration
		for waiting := true; waiting; {
			select {
			case <-done:
				waiting = false
			case <-time.After(time.Millisecond):
			}
			inUse = max(inUse, db.Stats().InUse)
			began := time.Now()
			_, err := store.Get(t.Context(), bob.ID)
			require.NoError(t, err)
			longest = max(longest, time.Since(began))
			reads++
		}
		t.Logf("%d sign-ins; %d connections in use at the most; %d reads of another user, the longest %s", n, inUse, reads, longest)
		require.LessOrEqual(t, inUse, most)
		require.Zero(t, db.Stats().WaitCount, "nobody waited for a connection")
	})
}

// Nor do those who wait for one session to be ended or to drift.
func TestManyStepsOfOneSession(t *testing.T) {
	eachDialect(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store, _ := e.store(t, db)
		s := newSession("ada")
		_, err := store.Start(t.Context(), s, session.Replace{})
		require.NoError(t, err)
		var running sync.WaitGroup
		for i := range 100 {
			running.Go(func() {
				seen := session.Seen{Time: now.Add(time.Duration(i)), Drift: session.Drift{Reported: []string{fmt.Sprint(i % 3)}}}
				assert.NoError(t, store.Touch(t.Context(), s.ID, seen))
			})
		}
		running.Wait()
		require.Zero(t, db.Stats().WaitCount)
		got, err := store.Get(t.Context(), s.ID)
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"0", "1", "2"}, got.Drift.Reported)
	})
}
