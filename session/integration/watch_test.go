package integration

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/redisstore"
	"github.com/mooring-go/mooring/session/sessiontest"
	"github.com/mooring-go/mooring/session/sqlstore"
)

const watchEvery = 50 * time.Millisecond

// told has what a watch was told.
type told struct {
	mu  sync.Mutex
	all []session.Change
}

// watch watches the store until the test is over.
func watch(t *testing.T, store session.Store) *told {
	t.Helper()
	watcher, ok := session.StoreAs[session.Watcher](store)
	require.True(t, ok)
	w := &told{}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() {
		done <- watcher.Watch(ctx, watchEvery, func(c session.Change) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.all = append(w.all, c)
		})
	}()
	t.Cleanup(func() {
		cancel()
		assert.ErrorIs(t, <-done, context.Canceled)
	})
	return w
}

func (w *told) changes() []session.Change {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all[:len(w.all):len(w.all)]
}

// since waits until something that was told after the first n is wanted.
func (w *told) since(t *testing.T, n int, what string, wanted func(session.Change) bool) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, c := range w.changes()[n:] {
			if wanted(c) {
				return true
			}
		}
		return false
	}, time.Minute, 5*time.Millisecond, "waiting for %s", what)
}

// hears waits until the watch tells of what end ends. A busy machine is enough for a watch
// to be lost: it says so, and tells of the next ending.
func (w *told) hears(t *testing.T, end func() session.ID) {
	t.Helper()
	for began := time.Now(); ; {
		require.Less(t, time.Since(began), time.Minute, "the watch is lost time and again")
		before := len(w.changes())
		id := end()
		var told session.Change
		w.since(t, before, "the ending", func(c session.Change) bool {
			told = c
			return c.Kind == session.ChangeLost || c.Kind == session.ChangeEnded && c.ID == id
		})
		if told.Kind == session.ChangeEnded {
			return
		}
		w.since(t, before, "ChangeConnected", isKind(session.ChangeConnected))
	}
}

// endings returns what starts and ends a session in the store.
func endings(t *testing.T, store session.Store) func() session.ID {
	return func() session.ID {
		t.Helper()
		s := newSession("ada")
		_, err := store.Start(t.Context(), s, session.Replace{})
		require.NoError(t, err)
		_, err = store.End(t.Context(), s.ID, newEnding(session.CauseSignedOut))
		require.NoError(t, err)
		return s.ID
	}
}

func isKind(kind session.ChangeKind) func(session.Change) bool {
	return func(c session.Change) bool { return c.Kind == kind }
}

// eachWatched runs the test on each store that has a server: one whose connections,
// those of the watch too, go through a proxy, and one that has a way of its own.
func eachWatched(t *testing.T, test func(t *testing.T, through, direct session.Store, p *proxy)) {
	eachEngine(t, func(t *testing.T, e engine) {
		if e.dialect == sqlstore.SQLite {
			t.Skip("it has no server")
		}
		t.Parallel()
		direct, table := e.store(t, e.open(t))
		dsn, p := e.proxied(t)
		test(t, e.watchable(t, openUnchecked(t, e, dsn), table, dsn), direct, p)
	})
	t.Run("Redis", func(t *testing.T) {
		t.Parallel()
		direct, _, prefix := inRedisAs(t, &redis.Options{Addr: redisAddr()})
		p := newProxy(t, redisAddr())
		go p.serve()
		client := redis.NewClient(&redis.Options{Addr: p.listener.Addr().String(), ContextTimeoutEnabled: true})
		t.Cleanup(func() { _ = client.Close() })
		through, err := redisstore.New(client, redisstore.Config{Prefix: prefix})
		require.NoError(t, err)
		test(t, through, direct, p)
	})
}

// Whatever is cut and however it comes back, a watch keeps no ending from its caller
// that it says to have heard of: neither with a reset nor where packets are dropped.
func TestWatchThroughCuts(t *testing.T) {
	eachWatched(t, func(t *testing.T, through, direct session.Store, p *proxy) {
		w := watch(t, through)
		w.since(t, 0, "ChangeConnected", isKind(session.ChangeConnected))
		ended := map[session.ID]sessiontest.Span{}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			for ctx.Err() == nil {
				s, called := newSession("ada"), time.Now()
				_, err := direct.Start(t.Context(), s, session.Replace{})
				if err == nil {
					_, err = direct.End(t.Context(), s.ID, newEnding(session.CauseSignedOut))
				}
				if !assert.NoError(t, err) {
					return
				}
				ended[s.ID] = sessiontest.Span{Called: called, Returned: time.Now()}
				time.Sleep(time.Millisecond)
			}
		})
		noticed := time.Hour
		for round := range 6 {
			time.Sleep(rand.N(4 * watchEvery))
			before, cut := len(w.changes()), time.Now()
			if round%2 == 0 {
				p.set(true)
				w.since(t, before, "ChangeLost", isKind(session.ChangeLost))
				p.set(false)
			} else {
				p.silence.Lock()
				w.since(t, before, "ChangeLost", isKind(session.ChangeLost))
				noticed = min(noticed, time.Since(cut))
				p.set(true)
				p.silence.Unlock()
				p.set(false)
			}
			w.since(t, before, "ChangeConnected", isKind(session.ChangeConnected))
		}
		assert.Less(t, noticed, 4*time.Second, "a silent cut is noticed in time")
		stop()
		running.Wait()
		before, now := len(w.changes()), time.Now()
		w.since(t, before, "ChangeHeard", func(c session.Change) bool { return c.Kind == session.ChangeHeard && c.Heard.After(now) })
		require.NotEmpty(t, ended)
		require.Empty(t, sessiontest.Untold(w.changes(), ended), "of %d", len(ended))
	})
}

// Changes that commit late have lower numbers than some that were read before.
func TestPollingFindsWhatCommitsLate(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		if e.dialect != sqlstore.MySQL {
			return
		}
		db := e.open(t)
		store, table := e.store(t, db)
		w := watch(t, store)
		w.since(t, 0, "ChangeConnected", isKind(session.ChangeConnected))
		w.hears(t, func() session.ID {
			slow, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			late := newSession("ada")
			_, err = slow.ExecContext(t.Context(), "INSERT INTO "+e.quote(table+"_change")+
				" (session_id, owner, kind, detail, made) VALUES (?, ?, 'ended', 'revoked', 0)", late.ID.String(), []byte("ada"))
			require.NoError(t, err)
			w.hears(t, endings(t, store))
			time.Sleep(5 * watchEvery)
			require.NoError(t, slow.Commit())
			return late.ID
		})
	})
}

// After a failover that lost changes, others have their numbers. A watch that did not
// notice the failover says that it missed them.
func TestPollingFindsThatChangesWereLost(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		if e.dialect == sqlstore.PostgreSQL {
			return // it keeps none
		}
		db := e.open(t)
		store, table := e.store(t, db)
		w := watch(t, store)
		w.since(t, 0, "ChangeConnected", isKind(session.ChangeConnected))
		for range 3 {
			w.hears(t, endings(t, store))
		}
		before := len(w.changes())
		other := [2]session.ID{newSession("bob").ID, newSession("bob").ID}
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		for i, id := range other {
			_, err := tx.ExecContext(t.Context(), "UPDATE "+e.quote(table+"_change")+" SET session_id = ?, made = made + 1"+
				" WHERE seq = (SELECT latest FROM (SELECT MAX(seq) AS latest FROM "+e.quote(table+"_change")+") AS of_one) - ?", id.String(), 1-i)
			require.NoError(t, err)
		}
		require.NoError(t, tx.Commit())
		w.since(t, before, "ChangeLost", isKind(session.ChangeLost))
		w.since(t, before, "ChangeConnected", isKind(session.ChangeConnected))
	})
}

// Sweep forgets changes that were told long ago, and watches go on.
func TestChangesAreForgotten(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		if e.dialect == sqlstore.PostgreSQL {
			return // it keeps none
		}
		db := e.open(t)
		store, table := e.store(t, db)
		w := watch(t, store)
		w.since(t, 0, "ChangeConnected", isKind(session.ChangeConnected))
		for range 5 {
			w.hears(t, endings(t, store))
		}
		// But for the latest, by whose time a watch sees that it is still the one that it knows.
		var latest int64
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT MAX(seq) FROM "+e.quote(table+"_change")).Scan(&latest))
		_, err := db.ExecContext(t.Context(), fmt.Sprintf("UPDATE %s SET made = 0 WHERE seq < %d", e.quote(table+"_change"), latest))
		require.NoError(t, err)
		_, err = store.Sweep(t.Context(), now)
		require.NoError(t, err)
		var left int
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+e.quote(table+"_change")).Scan(&left))
		require.Equal(t, 1, left, "the latest stays, by which a watch knows where it is")
		w.hears(t, endings(t, store))
		for _, c := range w.changes() {
			if c.Kind == session.ChangeLost {
				require.ErrorIs(t, c.Err, context.DeadlineExceeded, "by a busy machine alone")
			}
		}
	})
}
