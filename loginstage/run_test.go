package loginstage_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sessiontest"
)

// watched is a locator that is watched, and counts how often.
type watched struct {
	binding.Locator
	begun atomic.Int32
	watch func(ctx context.Context, n int32) error
}

func (w *watched) Watch(ctx context.Context) error { return w.watch(ctx, w.begun.Add(1)) }

// swept is a journal that counts sweeps.
type swept struct {
	*sessiontest.Journal
	sweeps atomic.Int32
}

func (s *swept) Sweep(ctx context.Context, now time.Time) (session.Swept, error) {
	s.sweeps.Add(1)
	return s.Journal.Sweep(ctx, now)
}

// running calls Run for a while, and returns what that returns.
func running(t *testing.T, login *loginstagetest.Stage, while time.Duration) error {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- login.Run(ctx) }()
	time.Sleep(while)
	cancel()
	return <-done
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		locator := &watched{Locator: bindingtest.Places(), watch: func(ctx context.Context, _ int32) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		store := &swept{Journal: sessiontest.NewJournal()}
		h := newHost(t, loginstage.Config{Store: store, Locator: locator, DurableEvents: true})
		h.signIn(loginstage.User{ID: "ada"})
		require.NoError(t, h.do("/logout"))
		require.NoError(t, running(t, h.stage, time.Hour))
		assert.InDelta(t, 12, store.sweeps.Load(), 8, "every five minutes")
		assert.EqualValues(t, 1, locator.begun.Load())
		assert.Len(t, h.stage.Events.Of(loginstage.ActionLogout), 1, "delivered")
	})
}

// Processes that were started together do not sweep together.
func TestRunSpreadsSweeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := map[time.Duration]bool{}
		for range 20 {
			store := loginstagetest.NewStore(nil)
			login := loginstagetest.New(t, loginstage.Config{Store: store})
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			begin := time.Now()
			go func() { done <- login.Run(ctx) }()
			for store.Calls(loginstagetest.Sweep) == 0 {
				time.Sleep(time.Second)
			}
			at[time.Since(begin)] = true
			cancel()
			require.NoError(t, <-done)
		}
		assert.Greater(t, len(at), 5)
		for first := range at {
			assert.GreaterOrEqual(t, first, 150*time.Second)
			assert.LessOrEqual(t, first, 451*time.Second)
		}
	})
}

// What fails is tried again, less and less often, and nothing else stops for it.
func TestRunGoesOn(t *testing.T) {
	for name, fail := range map[string]func() error{
		"an error": func() error { return errors.New("no") },
		"nothing":  func() error { return nil },
		"a panic":  func() error { panic("no") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				locator := &watched{Locator: bindingtest.Places(), watch: func(context.Context, int32) error { return fail() }}
				store := loginstagetest.NewStore(nil)
				login := loginstagetest.New(t, loginstage.Config{Store: store, Locator: locator})
				store.Fail(errors.New("down"))
				require.NoError(t, running(t, login, 10*time.Hour))
				assert.InDelta(t, 600, locator.begun.Load(), 20, "every minute in the end")
				assert.InDelta(t, 13, store.Calls(loginstagetest.Sweep), 7, "every hour in the end")
			})
		})
	}
}

// Events that are on their way are waited for, though not for ever.
func TestRunFlushes(t *testing.T) {
	for _, test := range []struct {
		slow time.Duration
		err  error
	}{{5 * time.Second, nil}, {time.Minute, context.DeadlineExceeded}} {
		synctest.Test(t, func(t *testing.T) {
			var told atomic.Int32
			login, err := loginstage.New(loginstage.Config{Events: sinkFunc(func() {
				time.Sleep(test.slow)
				told.Add(1)
			})})
			require.NoError(t, err)
			h := hostOf(t, &loginstagetest.Stage{UserLogin: login, Events: &loginstagetest.Recorder{}})
			h.signIn(loginstage.User{ID: "ada"})
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			begin := time.Now()
			require.ErrorIs(t, login.Run(ctx), test.err)
			assert.LessOrEqual(t, time.Since(begin), 10*time.Second)
			if test.err == nil {
				assert.EqualValues(t, 1, told.Load())
			}
			time.Sleep(time.Minute)
		})
	}
}

// sinkFunc is a sink that does something for each event.
type sinkFunc func()

func (f sinkFunc) Emit(context.Context, loginstage.Event) error { f(); return nil }
