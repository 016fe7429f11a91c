package loginstage_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
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
	"github.com/mooring-go/mooring/loginstage/sink"
)

// grace is how long a request waits for a slow sink.
const grace = 100 * time.Millisecond

// timed returns how long do took.
func timed(do func()) time.Duration {
	began := time.Now()
	do()
	return time.Since(began)
}

func TestASinkThatIsFastIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := 0
		_, browser := open(t, loginstage.Config{Events: sink.Func(func(context.Context, loginstage.Event) error {
			time.Sleep(10 * time.Millisecond)
			told++
			return nil
		})})
		assert.Equal(t, 10*time.Millisecond, timed(func() { signIn(t, browser, "ada") }))
		assert.Equal(t, 1, told, "the event is out when the response is")
	})
}

func TestASinkThatIsSlowDelaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := make(chan loginstage.Action, 3)
		stage, browser := open(t, loginstage.Config{Events: sink.Func(func(_ context.Context, e loginstage.Event) error {
			time.Sleep(time.Second)
			told <- e.Action
			return nil
		})})
		assert.Equal(t, grace, timed(func() { signIn(t, browser, "ada") }))
		assert.Zero(t, timed(func() { browser.PostForm("/logout", nil) }), "no request waits for a sink that is known to be slow")
		assert.Zero(t, timed(func() { signIn(t, browser, "bob") }))
		for _, action := range []loginstage.Action{loginstage.ActionLogin, loginstage.ActionLogout, loginstage.ActionLogin} {
			assert.Equal(t, action, <-told, "all are told, in order")
		}
		assert.Zero(t, stage.LostEvents())
	})
}

func TestASinkThatFailsUndoesNothing(t *testing.T) {
	for name, emit := range map[string]sink.Func{
		"fails":  func(context.Context, loginstage.Event) error { return errors.New("out of order") },
		"panics": func(context.Context, loginstage.Event) error { panic("out of order") },
		"panics with an error": func(context.Context, loginstage.Event) error {
			panic(errors.New("out of order"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			stage, browser := open(t, loginstage.Config{
				Events: emit, GeoIPBinding: binding.GeoIPCountry, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			})
			signIn(t, browser, "ada")
			assert.Equal(t, "ada", whoami(browser))
			browser.MoveTo(bindingtest.Paris)
			assert.Equal(t, http.StatusUnauthorized, browser.Get("/whoami").StatusCode)
			require.NoError(t, stage.Flush(t.Context()))
			assert.EqualValues(t, 2, stage.LostEvents())
			assert.Contains(t, log.String(), "an event was lost")
			assert.Contains(t, log.String(), "out of order")
		})
	}
}

func TestASinkThatBlocksForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const queue = 1024
		release := make(chan struct{})
		var mu sync.Mutex
		var told []loginstage.Event
		stage := loginstagetest.New(t, loginstage.Config{
			Logger: slog.New(slog.DiscardHandler),
			Events: sink.Func(func(_ context.Context, e loginstage.Event) error {
				<-release // and takes no notice of its context
				mu.Lock()
				defer mu.Unlock()
				told = append(told, e)
				return nil
			}),
		})
		deny := func() {
			_, err := stage.Begin(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil), loginstage.User{ID: "ada", Inactive: true})
			assert.Error(t, err)
		}
		assert.Equal(t, grace, timed(deny))
		assert.Zero(t, timed(func() {
			for range queue + 10 {
				deny()
			}
		}))
		assert.EqualValues(t, 10, stage.LostEvents(), "what waits is bounded, and what is lost is counted")
		close(release)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, stage.Events.Events()[:len(told)], told, "in order")
		assert.Len(t, told, queue+1)
		assert.EqualValues(t, 10, stage.LostEvents())
	})
}

func TestASinkThatRecoversIsWaitedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var delay atomic.Int64
		delay.Store(int64(time.Second))
		_, browser := open(t, loginstage.Config{Events: sink.Func(func(context.Context, loginstage.Event) error {
			time.Sleep(time.Duration(delay.Load()))
			return nil
		})})
		signIn(t, browser, "ada")
		time.Sleep(2 * time.Second)
		delay.Store(int64(time.Millisecond))
		assert.Equal(t, time.Millisecond, timed(func() { browser.PostForm("/logout", nil) }))
	})
}

// Each event has ten seconds, whatever becomes of the request.
func TestEmissionOutlivesTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		type seen struct {
			value  any
			err    error
			lasted time.Duration
		}
		emitted := make(chan seen, 1)
		stage := loginstagetest.New(t, loginstage.Config{Logger: slog.New(slog.DiscardHandler), Events: sink.Func(func(ctx context.Context, _ loginstage.Event) error {
			lasted := timed(func() { <-ctx.Done() })
			emitted <- seen{ctx.Value(key{}), ctx.Err(), lasted}
			return ctx.Err()
		})})
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "trace"))
		r := httptest.NewRequestWithContext(ctx, "POST", "/", nil)
		cancel()
		_, beginErr := stage.Begin(httptest.NewRecorder(), r, loginstage.User{ID: "ada"})
		require.NoError(t, beginErr)
		time.Sleep(time.Minute)
		assert.Equal(t, seen{"trace", context.DeadlineExceeded, 10 * time.Second}, <-emitted, "with what the request's context carries")
		assert.EqualValues(t, 1, stage.LostEvents())
	})
}

func TestEventsAtOnceAreToldOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inside, told atomic.Int64
		stage := loginstagetest.New(t, loginstage.Config{Events: sink.Func(func(context.Context, loginstage.Event) error {
			assert.EqualValues(t, 1, inside.Add(1))
			time.Sleep(time.Millisecond)
			inside.Add(-1)
			told.Add(1)
			return nil
		})})
		atOnce(50, func(int) bool {
			signIn(t, loginstagetest.NewBrowser(t, app(stage.UserLogin)), "ada")
			return true
		})
		time.Sleep(time.Second)
		assert.EqualValues(t, 50, told.Load())
	})
}

// A host that exits waits for what a slow sink has not had yet.
func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told atomic.Int64
		login, err := loginstage.New(loginstage.Config{Events: sink.Func(func(context.Context, loginstage.Event) error {
			time.Sleep(time.Second)
			told.Add(1)
			return nil
		})})
		require.NoError(t, err)
		require.NoError(t, login.Flush(t.Context()), "nothing is on its way")
		for range 3 {
			signIn(t, loginstagetest.NewBrowser(t, app(login)), "ada")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.ErrorIs(t, login.Flush(ctx), context.DeadlineExceeded)
		require.NoError(t, login.Flush(t.Context()))
		assert.EqualValues(t, 3, told.Load())
		assert.Zero(t, timed(func() { assert.NoError(t, login.Flush(t.Context())) }))
	})
}

func TestWithoutASinkNothingIsLost(t *testing.T) {
	stage, err := loginstage.New(loginstage.Config{})
	require.NoError(t, err)
	_, err = stage.Begin(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil), loginstage.User{ID: "ada"})
	require.NoError(t, err)
	assert.Zero(t, stage.LostEvents())
	assert.NoError(t, stage.Flush(t.Context()))
}
