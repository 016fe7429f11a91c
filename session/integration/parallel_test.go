package integration

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// isolated returns the engines with what a host may have set for its connections.
func isolated() []engine {
	all := slices.Clone(engines)
	with := func(e engine, name, option string) engine {
		dsn := e.dsn
		e.name += " " + name
		e.option = true
		e.dsn = func(t testing.TB) string {
			separator := "?"
			if strings.Contains(dsn(t), "?") {
				separator = "&"
			}
			return dsn(t) + separator + option
		}
		return e
	}
	for _, e := range engines {
		switch e.driver {
		case "pgx":
			all = append(all,
				with(e, "serializable", "default_transaction_isolation=serializable"),
				with(e, "simple protocol", "default_query_exec_mode=simple_protocol"))
		case "mysql":
			all = append(all,
				with(e, "read committed", "tx_isolation='READ-COMMITTED'"),
				with(e, "serializable", "tx_isolation='SERIALIZABLE'"),
				with(e, "snapshot isolation", "innodb_snapshot_isolation=ON"),
				with(e, "found rows", "clientFoundRows=true&interpolateParams=true"))
		case "sqlite", "sqlite3":
			dsn := e.dsn
			e.name += " without a write-ahead log"
			e.dsn = func(t testing.TB) string {
				return strings.NewReplacer("WAL", "DELETE", "synchronous(NORMAL)", "synchronous(OFF)", "synchronous=NORMAL", "synchronous=OFF").Replace(dsn(t))
			}
			all = append(all, e)
		}
	}
	return all
}

// eachIsolated runs the test on isolated engines that answer.
func eachIsolated(t *testing.T, test func(*testing.T, engine)) {
	for _, e := range isolated() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			test(t, e)
		})
	}
}

func TestParallelSignInsLeaveOneSession(t *testing.T) {
	eachIsolated(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store, _ := e.store(t, db)
		users := 3
		if long() {
			users = 8
		}
		const each = 24 // as many connections as there may be
		for _, replace := range []session.Replace{
			{Others: true, Ending: journaled("")},
			{Max: 1, Ending: newEnding("")},
		} {
			var running sync.WaitGroup
			ended := make([]int, users)
			var mu sync.Mutex
			for i := range users * each {
				running.Go(func() {
					some, err := store.Start(t.Context(), newSession(fmt.Sprint("user ", i%users)), replace)
					assert.NoError(t, err)
					mu.Lock()
					defer mu.Unlock()
					ended[i%users] += len(some)
				})
			}
			running.Wait()
			for i := range users {
				live, err := store.List(t.Context(), fmt.Sprint("user ", i))
				require.NoError(t, err)
				require.Len(t, live, 1)
				require.Equal(t, each-1, ended[i], "each of the rest ended once")
				_, err = store.EndUser(t.Context(), live[0].User, session.ID{}, newEnding(session.CauseRevoked))
				require.NoError(t, err)
			}
		}
	})
}

// A session that goes on under another token is where "end them all" could miss
// it: whichever of the two is first, the user has none in the end.
func TestNothingSlipsPastEndUser(t *testing.T) {
	eachIsolated(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store, _ := e.store(t, db)
		for i := range 20 {
			user := fmt.Sprint("user ", i)
			first, second := newSession(user), newSession(user)
			_, err := store.Start(t.Context(), first, session.Replace{})
			require.NoError(t, err)
			var renewed []session.Ended
			var renewal error
			var revoked []session.Session
			var running sync.WaitGroup
			running.Go(func() {
				renewed, renewal = store.Start(t.Context(), second, session.Replace{Renews: first.ID, Ending: newEnding("")})
			})
			running.Go(func() {
				var err error
				revoked, err = store.EndUser(t.Context(), user, session.ID{}, newEnding(session.CauseRevoked))
				assert.NoError(t, err)
			})
			running.Wait()
			require.Len(t, revoked, 1, "one of the two was live")
			if renewal == nil {
				require.Len(t, renewed, 1)
				require.Equal(t, second.ID, revoked[0].ID, "it was renewed before all were ended")
			} else {
				require.NoError(t, unlessOver(renewal), "what has ended is not renewed")
				require.Equal(t, first.ID, revoked[0].ID)
			}
			live, err := store.List(t.Context(), user)
			require.NoError(t, err)
			require.Empty(t, live)
		}
	})
}

// Everything at once: no step fails because of another, and nobody is left
// waiting.
func TestMixedLoad(t *testing.T) { eachIsolated(t, mixedLoad) }

func mixedLoad(t *testing.T, e engine) {
	db := e.open(t)
	store, _ := e.store(t, db)
	var running sync.WaitGroup
	for i := range 16 {
		running.Go(func() {
			user := fmt.Sprint("user ", i%4)
			var last session.ID
			for n := range 15 {
				s := newSession(user)
				if n%5 == 4 {
					s = overdue(user)
				}
				_, err := store.Start(t.Context(), s, session.Replace{Before: last, Max: 3, Ending: journaled("")})
				assert.NoError(t, err)
				last = s.ID
				if n%5 < 4 {
					used := session.Seen{Time: now.Add(1), Drift: session.Drift{Reported: []string{"a"}}}
					assert.NoError(t, unlessOver(store.Touch(t.Context(), s.ID, used)))
				}
				switch n % 5 {
				case 1:
					_, err = store.EndUser(t.Context(), fmt.Sprint("user ", (i+1)%4), session.ID{}, journaled(session.CauseRevoked))
				case 2:
					_, err = store.Sweep(t.Context(), now)
				case 3:
					_, err = store.End(t.Context(), s.ID, journaled(session.CauseSignedOut))
					err = unlessOver(err)
				case 4:
					var leased []session.Ended
					leased, err = store.Lease(t.Context(), 0, 5)
					if len(leased) > 0 {
						assert.NoError(t, store.Delivered(t.Context(), leased[0].Session.ID))
					}
				}
				assert.NoError(t, err)
			}
		})
	}
	running.Wait()
	for i := range 4 {
		sessions, err := store.List(t.Context(), fmt.Sprint("user ", i))
		require.NoError(t, err)
		sessions = slices.DeleteFunc(sessions, func(s session.Session) bool { return s.Overdue(now) != "" })
		require.LessOrEqual(t, len(sessions), 3)
	}
}

// unlessOver returns err, or nil if it says that the session ended or is gone.
func unlessOver(err error) error {
	if _, ended := errors.AsType[*session.EndedError](err); ended || errors.Is(err, session.ErrNotFound) {
		return nil
	}
	return err
}
