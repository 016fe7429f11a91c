package crash

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sessiontest"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// A listener is a connection of pgx that listens.
type listener struct{ *pgx.Conn }

func (l listener) Exec(ctx context.Context, query string) error {
	_, err := l.Conn.Exec(ctx, query)
	return err
}

func (l listener) Wait(ctx context.Context) (channel, payload string, err error) {
	n, err := l.WaitForNotification(ctx)
	if err != nil {
		return "", "", err
	}
	return n.Channel, n.Payload, nil
}

func listen(dsn string) func(context.Context) (sqlstore.Listener, error) {
	return func(ctx context.Context) (sqlstore.Listener, error) {
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			return nil, err
		}
		return listener{conn}, nil
	}
}

// A process that watches hears of each ending that was confirmed, or is told that it
// may have missed some, however often the server dies and comes back.
func TestServerKilledWhileWatched(t *testing.T) {
	for name, open := range map[string]func(*testing.T) *server{"Redis": newRedis, "PostgreSQL": newPostgreSQL} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			p := place{Engine: s.engine, Address: s.address, Name: "crash"}
			s.start(t, p)
			store, err := engines[s.engine].open(t.Context(), p)
			require.NoError(t, err)
			defer func() { _ = store.close() }()
			watcher, ok := session.StoreAs[session.Watcher](store.Journal)
			require.True(t, ok)

			var mu sync.Mutex
			var told []session.Change
			ended := map[session.ID]sessiontest.Span{}
			ctx, stop := context.WithCancel(t.Context())
			var running sync.WaitGroup
			running.Go(func() {
				_ = watcher.Watch(ctx, 20*time.Millisecond, func(c session.Change) {
					mu.Lock()
					defer mu.Unlock()
					told = append(told, c)
				})
			})
			running.Go(func() {
				for ctx.Err() == nil {
					bounded, cancel := context.WithTimeout(ctx, time.Second)
					called := time.Now()
					if id, err := signInAndOut(bounded, store); err == nil {
						mu.Lock()
						ended[id] = sessiontest.Span{Called: called, Returned: time.Now()}
						mu.Unlock()
					}
					cancel()
				}
			})
			// since waits until a change of the kind was told after an instant.
			since := func(kind session.ChangeKind, at time.Time) {
				t.Helper()
				require.Eventually(t, func() bool {
					mu.Lock()
					defer mu.Unlock()
					for _, c := range told {
						if c.Kind == kind && c.Heard.After(at) {
							return true
						}
					}
					return false
				}, time.Minute, 5*time.Millisecond)
			}
			since(session.ChangeConnected, time.Time{})
			signedOut := func() int {
				mu.Lock()
				defer mu.Unlock()
				return len(ended)
			}
			for range rounds(t) {
				before := signedOut()
				require.Eventually(t, func() bool { return signedOut() > before+3 }, time.Minute, 5*time.Millisecond)
				s.kill()
				killed := time.Now()
				s.start(t, p)
				since(session.ChangeConnected, killed)
				since(session.ChangeHeard, time.Now())
			}
			stop()
			running.Wait()
			require.NotEmpty(t, ended)
			require.Empty(t, sessiontest.Untold(told, ended), "of %d", len(ended))
			t.Logf("%d endings, %d changes told", len(ended), len(told))
		})
	}
}

// signInAndOut returns the ID of a session that it started and ended.
func signInAndOut(ctx context.Context, store session.Store) (session.ID, error) {
	now := time.Now().UTC()
	s := session.Session{
		ID: session.NewToken("ada").ID(), User: "ada", Created: now, LastSeen: now, Expires: now.Add(time.Hour),
	}
	if _, err := store.Start(ctx, s, session.Replace{}); err != nil {
		return session.ID{}, err
	}
	_, err := store.End(ctx, s.ID, session.Ending{Cause: session.CauseSignedOut, Time: now, Keep: now.Add(time.Minute)})
	return s.ID, err
}
