package loginstage_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
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
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
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

// Each event has ten seconds, though the request ends before.
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

// sessionsOf signs the user in n times.
func sessionsOf(t *testing.T, login *loginstage.UserLogin, user string, n int) {
	t.Helper()
	for range n {
		_, err := login.Begin(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil), loginstage.User{ID: user})
		require.NoError(t, err)
	}
}

// However many sessions a request ends and however many calls it takes for that,
// it waits once.
func TestARequestWaitsForASlowSinkOnceInAll(t *testing.T) {
	const n = 40
	for name, test := range map[string]struct {
		config loginstage.Config
		do     func(t *testing.T, login *loginstage.UserLogin)
		events int
	}{
		"RevokeUser": {loginstage.Config{}, func(t *testing.T, login *loginstage.UserLogin) {
			ended, err := login.RevokeUser(t.Context(), "ada", "admin")
			require.NoError(t, err)
			require.Equal(t, n, ended)
		}, n},
		"a sign-in that ends all others": {loginstage.Config{TerminateOtherSessions: true}, func(t *testing.T, login *loginstage.UserLogin) {
			sessionsOf(t, login, "ada", 1)
		}, n + 1},
		"forgetting devices": {loginstage.Config{RememberDevice: remembering.RememberDevice}, func(t *testing.T, login *loginstage.UserLogin) {
			forgotten, err := login.ForgetDevices(t.Context(), "ada", "admin")
			require.NoError(t, err)
			require.Equal(t, 32, forgotten)
		}, 32},
		"many calls": {loginstage.Config{}, func(t *testing.T, login *loginstage.UserLogin) {
			listed, err := login.Sessions(t.Context(), "ada")
			require.NoError(t, err)
			for _, s := range listed {
				require.NoError(t, login.Revoke(t.Context(), "ada", s.ID, "admin"))
			}
			sessionsOf(t, login, "bob", 1)
		}, n + 1},
	} {
		for _, delay := range []time.Duration{9 * time.Millisecond, 90 * time.Millisecond, time.Second} {
			t.Run(name+" "+delay.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var slow atomic.Bool
					var told atomic.Int64
					config := test.config
					config.Events = sink.Func(func(context.Context, loginstage.Event) error {
						if slow.Load() {
							time.Sleep(delay)
							told.Add(1)
						}
						return nil
					})
					config.TerminateOtherSessions = false
					store := memstore.New()
					config.Store = store
					before := loginstagetest.New(t, config)
					sessionsOf(t, before.UserLogin, "ada", n)
					config.TerminateOtherSessions = test.config.TerminateOtherSessions
					stage := loginstagetest.New(t, config)
					slow.Store(true)
					assert.LessOrEqual(t, timed(func() { test.do(t, stage.UserLogin) }), grace)
					require.NoError(t, stage.Flush(t.Context()))
					assert.EqualValues(t, test.events, told.Load())
					assert.Zero(t, stage.LostEvents())
				})
			})
		}
	}
}

// A sink that cannot cope with one user's events holds back those alone.
func TestASlowSinkHoldsBackThatUserAlone(t *testing.T) {
	for name, hang := range map[string]func(ctx context.Context, release chan struct{}){
		"until it is told to stop": func(ctx context.Context, _ chan struct{}) { <-ctx.Done() },
		"for ever":                 func(_ context.Context, release chan struct{}) { <-release },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				var mu sync.Mutex
				told := map[string]time.Time{}
				inside := map[string]int{}
				stage := loginstagetest.New(t, loginstage.Config{Logger: slog.New(slog.DiscardHandler), Events: sink.Func(func(ctx context.Context, e loginstage.Event) error {
					mu.Lock()
					inside[e.User]++
					assert.Equal(t, 1, inside[e.User], "one at a time of each user")
					mu.Unlock()
					if e.User == "mallory" {
						hang(ctx, release)
					}
					mu.Lock()
					defer mu.Unlock()
					inside[e.User]--
					told[e.User] = time.Now()
					return ctx.Err()
				})})
				began := map[string]time.Time{}
				for i := range 60 {
					sessionsOf(t, stage.UserLogin, "mallory", 1)
					user := strconv.Itoa(i)
					began[user] = time.Now()
					sessionsOf(t, stage.UserLogin, user, 1)
					time.Sleep(time.Second)
				}
				mu.Lock()
				for user, at := range began {
					assert.LessOrEqual(t, told[user].Sub(at), 2*time.Second+grace, user)
					assert.Contains(t, told, user)
				}
				mu.Unlock()
				close(release)
				require.NoError(t, stage.Flush(t.Context()))
				assert.Contains(t, told, "mallory")
			})
		})
	}
}

// A user whose events fill the queue loses them, and nobody else's are lost.
func TestAFloodOfOneUsersEventsIsThatUsersLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		told := map[string]int{}
		login, err := loginstage.New(loginstage.Config{Logger: slog.New(slog.DiscardHandler), Events: sink.Func(func(ctx context.Context, e loginstage.Event) error {
			if e.User == "mallory" {
				<-ctx.Done()
			}
			mu.Lock()
			defer mu.Unlock()
			told[e.User]++
			return nil
		})})
		require.NoError(t, err)
		deny := func(user string) {
			_, err := login.Begin(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil), loginstage.User{ID: user, Inactive: true})
			require.Error(t, err)
		}
		began := time.Now()
		for i := range 500 {
			for range 10 {
				deny("mallory")
			}
			deny(strconv.Itoa(i))
			time.Sleep(10 * time.Millisecond)
		}
		assert.LessOrEqual(t, time.Since(began), 500*10*time.Millisecond+grace+grace)
		time.Sleep(3 * time.Second)
		mu.Lock()
		for i := range 500 {
			assert.Equal(t, 1, told[strconv.Itoa(i)], i)
		}
		mu.Unlock()
		require.NoError(t, login.Flush(t.Context()))
		assert.EqualValues(t, 5000, told["mallory"]+int(login.LostEvents()))
		assert.GreaterOrEqual(t, told["mallory"], 64)
	})
}

// A sink that hangs for many users is called for a few of them at a time.
func TestASinkThatHangsForEverybodyIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var inside, most atomic.Int64
		stage, err := loginstage.New(loginstage.Config{Logger: slog.New(slog.DiscardHandler), Events: sink.Func(func(context.Context, loginstage.Event) error {
			most.Store(max(most.Load(), inside.Add(1)))
			<-release
			inside.Add(-1)
			return nil
		})})
		require.NoError(t, err)
		for i := range 2000 {
			sessionsOf(t, stage, strconv.Itoa(i), 1)
			time.Sleep(time.Second)
		}
		assert.EqualValues(t, 8, most.Load())
		assert.EqualValues(t, 2000-1024-8, stage.LostEvents())
		close(release)
		require.NoError(t, stage.Flush(t.Context()))
		assert.Zero(t, inside.Load())
		sessionsOf(t, stage, "ada", 1)
		assert.EqualValues(t, 8, most.Load(), "one at a time again")
	})
}

// crowd is a store in which each user has n sessions until they are ended.
type crowd struct {
	*loginstagetest.Store
	n int
}

func (c *crowd) EndUser(_ context.Context, user string, _ session.ID, _ session.Ending, _ ...session.Kind) ([]session.Session, error) {
	ended := make([]session.Session, c.n)
	for i := range ended {
		ended[i] = session.Session{ID: session.NewToken(user).ID(), User: user}
	}
	return ended, nil
}

// Sessions that are ended together are told, though they are more than may wait by
// themselves.
func TestManyEndingsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 3000
		told := 0
		stage, err := loginstage.New(loginstage.Config{Store: &crowd{loginstagetest.NewStore(nil), n}, Events: sink.Func(func(context.Context, loginstage.Event) error {
			told++
			return nil
		})})
		require.NoError(t, err)
		ended, err := stage.RevokeUser(t.Context(), "ada", "admin")
		require.NoError(t, err)
		require.Equal(t, n, ended)
		require.NoError(t, stage.Flush(t.Context()))
		assert.Equal(t, n, told)
		assert.Zero(t, stage.LostEvents())
	})
}

// And more than may wait at all are counted.
func TestTooManyEndingsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, most = 17000, 16 * 1024
		release := make(chan struct{})
		config := loginstage.Config{Store: &crowd{loginstagetest.NewStore(nil), n}, Logger: slog.New(slog.DiscardHandler)}
		config.Events = sink.Func(func(context.Context, loginstage.Event) error {
			<-release
			return nil
		})
		stage, err := loginstage.New(config)
		require.NoError(t, err)
		ended, err := stage.RevokeUser(t.Context(), "ada", "admin")
		close(release)
		require.NoError(t, err)
		require.Equal(t, n, ended)
		require.NoError(t, stage.Flush(t.Context()))
		assert.EqualValues(t, n-most, stage.LostEvents())
	})
}

// lines is a log that counts.
type lines struct {
	mu   sync.Mutex
	text []string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, string(p))
	return len(p), nil
}

func (l *lines) containing(part string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.text), func(line string) bool { return !strings.Contains(line, part) })
}

// A flood of lost events is a line every ten seconds, which has their number.
func TestALogOfLostEventsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &lines{}
		stage, err := loginstage.New(loginstage.Config{Logger: slog.New(slog.NewTextHandler(log, nil)), Events: sink.Func(func(context.Context, loginstage.Event) error {
			return errors.New("out of order")
		})})
		require.NoError(t, err)
		deny := func(n int) {
			for range n {
				_, err := stage.Begin(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil), loginstage.User{ID: "ada", Inactive: true})
				require.Error(t, err)
			}
		}
		for range 25 {
			deny(100)
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		assert.EqualValues(t, 2500, stage.LostEvents())
		written := log.containing("an event was lost")
		assert.Len(t, written, 4)
		sum := 0
		for _, line := range written {
			_, after, _ := strings.Cut(line, "events=")
			number, _, _ := strings.Cut(after, " ")
			n, err := strconv.Atoi(number)
			require.NoError(t, err)
			sum += n
		}
		assert.Equal(t, 2500, sum)
		deny(1)
		synctest.Wait()
		assert.Len(t, log.containing("an event was lost"), 5, "and what comes later is told at once again")
	})
}
