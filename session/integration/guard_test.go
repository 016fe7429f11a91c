package integration

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/loginstage/sink"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// eachProxied runs the test on a store for each server that answers, by way of
// a proxy.
func eachProxied(t *testing.T, test func(*testing.T, session.Journal, *proxy)) {
	eachEngine(t, func(t *testing.T, e engine) {
		if e.dialect == sqlstore.SQLite {
			return // it has no server
		}
		t.Parallel()
		_, table := e.store(t, e.open(t))
		dsn, p := e.proxied(t)
		test(t, e.over(t, e.connect(t, dsn), table), p)
	})
	t.Run("Redis", func(t *testing.T) {
		t.Parallel()
		p := newProxy(t, redisAddr())
		go p.serve()
		store, _ := inRedis(t, &redis.Options{Addr: p.listener.Addr().String()})
		test(t, store, p)
	})
	t.Run("Redis through rueidis", func(t *testing.T) {
		t.Parallel()
		p := newProxy(t, redisAddr())
		go p.serve()
		_, store := inBoth(t, p.listener.Addr().String())
		test(t, store, p)
	})
}

// What the guard says while the server is gone, or hangs, is that nobody knows.
// The server still does when the answer comes, the cookie is kept, and as soon as
// the server answers again the user is signed in.
func TestAServerThatFailsSignsNobodyOut(t *testing.T) {
	eachProxied(t, func(t *testing.T, store session.Journal, p *proxy) {
		stage := loginstagetest.New(t, loginstage.Config{
			Store: store, DurableEvents: true, StoreTimeout: duration.MustParse("milliseconds=300"),
			Logger: slog.New(slog.DiscardHandler),
		})
		mux := http.NewServeMux()
		mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
			if _, err := stage.Begin(w, r, loginstage.User{ID: "ada"}); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})
		mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
			current, _ := loginstage.Current(r.Context())
			_, _ = io.WriteString(w, current.User)
		})
		browser := loginstagetest.NewBrowser(t, stage.Guard(mux))
		recovers := func(how string) {
			t.Helper()
			require.Eventually(t, func() bool { return browser.Get("/").Text == "ada" }, time.Minute, 20*time.Millisecond, how)
		}
		require.Eventually(t, func() bool { return browser.PostForm("/login", nil).StatusCode == http.StatusOK }, time.Minute, 20*time.Millisecond,
			"a sign-in within the timeout")
		recovers("at first")

		fails := func(how string) {
			t.Helper()
			for range 3 {
				response := browser.Get("/")
				assert.Equal(t, http.StatusServiceUnavailable, response.StatusCode, how)
				assert.Empty(t, response.Header["Set-Cookie"], how)
			}
		}
		p.set(true)
		fails("the server is gone")
		p.set(false)
		recovers("the server is back")

		p.silence.Lock()
		fails("the server hangs") // returns while it does
		p.silence.Unlock()
		recovers("the server no longer hangs")
		assert.Empty(t, stage.Events.Of(loginstage.ActionLogout))
	})
}

// A sink that is out of order never holds up a sign-out. Its events wait in the
// store, and come as soon as it is well, in order.
func TestASinkThatFailsHoldsUpNoSignOut(t *testing.T) {
	eachProxied(t, func(t *testing.T, store session.Journal, _ *proxy) {
		var failed, well atomic.Bool
		told := make(chan session.ID, 10)
		stage := loginstagetest.New(t, loginstage.Config{
			Store: store, DurableEvents: true, Logger: slog.New(slog.DiscardHandler),
			Events: sink.Func(func(_ context.Context, e loginstage.Event) error {
				if e.Action == loginstage.ActionLogout && !well.Load() {
					failed.Store(true)
					return errors.New("no sink today")
				}
				if e.Action == loginstage.ActionLogout {
					told <- e.Session
				}
				return nil
			}),
		})
		ctx, stop := context.WithCancel(t.Context())
		var delivering sync.WaitGroup
		delivering.Go(func() { assert.ErrorIs(t, stage.Deliver(ctx), context.Canceled) })
		defer delivering.Wait()
		defer stop()

		var ended []session.ID
		for range 3 {
			_, err := stage.Begin(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil), loginstage.User{ID: "ada"})
			require.NoError(t, err)
			live, err := stage.Sessions(t.Context(), "ada")
			require.NoError(t, err)
			require.Len(t, live, 1)
			require.NoError(t, stage.Revoke(t.Context(), "ada", live[0].ID, "ada"))
			ended = append(ended, live[0].ID)
		}
		require.Eventually(t, failed.Load, time.Minute, time.Millisecond)
		require.Empty(t, told)
		well.Store(true)
		for _, id := range ended {
			select {
			case got := <-told:
				require.Equal(t, id, got)
			case <-time.After(time.Minute):
				require.Fail(t, "an ending was not told")
			}
		}
	})
}
