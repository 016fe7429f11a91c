package loginstagetest_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sessiontest"
)

func TestStoreKeepsTheContract(t *testing.T) {
	sessiontest.RunStore(t, func(*testing.T) session.Store { return loginstagetest.NewStore(nil) })
}

func TestStoreFailsWhenTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, out := loginstagetest.NewStore(nil), errors.New("out of order")
		steps := map[loginstagetest.Step]func(context.Context) error{
			loginstagetest.Start: func(ctx context.Context) error {
				now := time.Now()
				_, err := store.Start(ctx, session.Session{
					ID: session.NewToken("ada").ID(), User: "ada", Created: now, LastSeen: now, Expires: now.Add(time.Hour),
				}, session.Replace{})
				return err
			},
			loginstagetest.Get:   func(ctx context.Context) error { _, err := store.Get(ctx, session.ID{}); return err },
			loginstagetest.Touch: func(ctx context.Context) error { return store.Touch(ctx, session.ID{}, session.Seen{}) },
			loginstagetest.End: func(ctx context.Context) error {
				_, err := store.End(ctx, session.ID{}, session.Ending{})
				return err
			},
			loginstagetest.EndUser: func(ctx context.Context) error {
				_, err := store.EndUser(ctx, "ada", session.ID{}, session.Ending{})
				return err
			},
			loginstagetest.List:  func(ctx context.Context) error { _, err := store.List(ctx, "ada"); return err },
			loginstagetest.Sweep: func(ctx context.Context) error { _, err := store.Sweep(ctx, time.Now()); return err },
		}
		for name, step := range steps {
			store.Fail(out)
			require.ErrorIs(t, step(t.Context()), out, name)

			store.Hang()
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			began := time.Now()
			require.ErrorIs(t, step(ctx), context.DeadlineExceeded, name)
			require.Equal(t, time.Hour, time.Since(began), name)
			cancel()

			store.Repair()
			if err := step(t.Context()); err != nil {
				require.ErrorIs(t, err, session.ErrNotFound, name)
			}
			require.Equal(t, 3, store.Calls(name), name)
		}
	})
}

func TestAHostCanTestAnOutage(t *testing.T) {
	store := loginstagetest.NewStore(nil)
	stage := loginstagetest.New(t, loginstage.Config{Store: store})
	browser := loginstagetest.NewBrowser(t, app(stage.UserLogin))
	browser.PostForm("/login", url.Values{"user": {"ada"}})
	store.Fail(errors.New("out of order"))
	assert.Equal(t, http.StatusServiceUnavailable, browser.Get("/").StatusCode)
	store.Repair()
	assert.Equal(t, http.StatusOK, browser.Get("/").StatusCode)
}
