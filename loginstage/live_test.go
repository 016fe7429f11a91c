package loginstage_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// watching runs Watch until the test is over.
func watching(t *testing.T, login *loginstage.UserLogin) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- login.Watch(ctx) }()
	stop = func() { cancel() }
	t.Cleanup(func() {
		cancel()
		assert.ErrorIs(t, <-done, context.Canceled)
	})
	synctest.Wait()
	return stop
}

// liveIn returns the live context of a request with the token, behind a guard.
func liveIn(t *testing.T, stage *loginstagetest.Stage, token string, live func(*http.Request) context.Context, parent context.Context) context.Context {
	t.Helper()
	r := httptest.NewRequestWithContext(parent, http.MethodGet, "https://host.example/stream", nil)
	r.AddCookie(&http.Cookie{Name: cookie, Value: token})
	var ctx context.Context
	stage.AllowRestricted(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { ctx = live(r) })).ServeHTTP(httptest.NewRecorder(), r) //nolint:fatcontext // it is the context of that request
	require.NotNil(t, ctx, "the request was denied")
	return ctx
}

// signedIn signs a user in and returns the token.
func signedInAs(t *testing.T, stage *loginstagetest.Stage, user string) string {
	t.Helper()
	browser := loginstagetest.NewBrowser(t, app(stage.UserLogin))
	signIn(t, browser, user)
	return browser.Cookie(cookie)
}

// lives checks that the context goes on.
func lives(t *testing.T, ctx context.Context) {
	t.Helper()
	synctest.Wait()
	require.NoError(t, ctx.Err())
	select {
	case <-ctx.Done():
		require.Fail(t, "it is done, without an error")
	default:
	}
}

// over checks that the context has ended, and returns why.
func over(t *testing.T, ctx context.Context) *loginstage.LiveError {
	t.Helper()
	synctest.Wait()
	select {
	case <-ctx.Done():
	default:
		require.Fail(t, "it goes on")
	}
	var why *loginstage.LiveError
	require.ErrorAs(t, context.Cause(ctx), &why)
	require.ErrorIs(t, ctx.Err(), context.Canceled)
	require.ErrorIs(t, context.Cause(ctx), ctx.Err())
	return why
}

// Whatever ends a session ends what is open in it, at once, and nothing else.
func TestLiveEndsWithTheSession(t *testing.T) {
	for cause, end := range map[session.Cause]func(t *testing.T, stage *loginstagetest.Stage, token string){
		session.CauseRevoked: func(t *testing.T, stage *loginstagetest.Stage, _ string) {
			_, err := stage.RevokeUser(t.Context(), "ada", "operator")
			require.NoError(t, err)
		},
		session.CauseSignedOut: func(t *testing.T, stage *loginstagetest.Stage, token string) {
			require.Equal(t, http.StatusOK, with(t, stage, token).PostForm("/logout", nil).StatusCode)
		},
		session.CauseReplaced: func(t *testing.T, stage *loginstagetest.Stage, token string) {
			signIn(t, with(t, stage, token), "ada")
		},
	} {
		t.Run(string(cause), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stage := loginstagetest.New(t, loginstage.Config{})
				watching(t, stage.UserLogin)
				token := signedInAs(t, stage, "ada")
				one, two := liveIn(t, stage, token, stage.Live, t.Context()), liveIn(t, stage, token, stage.Live, t.Context())
				other := liveIn(t, stage, signedInAs(t, stage, "bob"), stage.Live, t.Context())
				derived, cancel := context.WithTimeout(one, time.Hour)
				defer cancel()
				lives(t, one)
				lives(t, derived)
				end(t, stage, token)
				assert.Equal(t, cause, over(t, one).Ending)
				assert.Equal(t, cause, over(t, two).Ending)
				over(t, derived)
				lives(t, other)
			})
		})
	}
}

func TestLiveEndsAtLimits(t *testing.T) {
	for name, test := range map[string]struct {
		config loginstage.Config
		live   func(*loginstagetest.Stage) func(*http.Request) context.Context
		after  time.Duration
		want   session.Cause
	}{
		"absolute": {loginstage.Config{SessionDuration: duration.Duration(time.Hour)}, live, time.Hour, session.CauseExpired},
		"idle":     {loginstage.Config{SessionDuration: duration.Duration(5 * time.Hour), IdleTimeout: duration.Duration(time.Hour)}, live, time.Hour, session.CauseIdle},
		"in use":   {loginstage.Config{SessionDuration: duration.Duration(5 * time.Hour), IdleTimeout: duration.Duration(time.Hour)}, inUse, 5 * time.Hour, session.CauseExpired},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stage := loginstagetest.New(t, test.config)
				watching(t, stage.UserLogin)
				ctx := liveIn(t, stage, signedInAs(t, stage, "ada"), test.live(stage), t.Context())
				time.Sleep(test.after - time.Millisecond)
				lives(t, ctx)
				time.Sleep(3 * time.Millisecond)
				assert.Equal(t, test.want, over(t, ctx).Ending)
			})
		})
	}
}

func live(s *loginstagetest.Stage) func(*http.Request) context.Context  { return s.Live }
func inUse(s *loginstagetest.Stage) func(*http.Request) context.Context { return s.LiveInUse }

// Another request that uses the session keeps its streams open, too.
func TestLiveHeedsTheUseByOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, loginstage.Config{SessionDuration: duration.Duration(5 * time.Hour), IdleTimeout: duration.Duration(time.Hour)})
		watching(t, stage.UserLogin)
		token := signedInAs(t, stage, "ada")
		ctx := liveIn(t, stage, token, stage.Live, t.Context())
		time.Sleep(40 * time.Minute)
		require.Equal(t, "ada", whoami(with(t, stage, token)))
		time.Sleep(59 * time.Minute)
		lives(t, ctx)
		time.Sleep(2 * time.Minute)
		assert.Equal(t, session.CauseIdle, over(t, ctx).Ending)
	})
}

// What is open ends when the session is restricted, unless it was open to restricted
// sessions.
func TestLiveEndsWhenTheSessionIsRestricted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		stage := loginstagetest.New(t, loginstage.Config{Store: store})
		watching(t, stage.UserLogin)
		token := signedInAs(t, stage, "ada")
		ctx := liveIn(t, stage, token, stage.Live, t.Context())
		sessions, err := stage.Sessions(t.Context(), "ada")
		require.NoError(t, err)
		restrict := func(drift session.Drift) {
			require.NoError(t, store.Touch(t.Context(), sessions[0].ID, session.Seen{Time: time.Now(), IP: sessions[0].IP, Drift: drift}))
		}
		restrict(session.Drift{Moves: []time.Time{time.Now()}})
		lives(t, ctx)
		restrict(session.Drift{Restricted: binding.GeoIPCityChanged})
		assert.Equal(t, binding.GeoIPCityChanged, over(t, ctx).Restricted)

		ctx = liveIn(t, stage, token, stage.Live, t.Context())
		restrict(session.Drift{Moves: []time.Time{time.Now()}, Restricted: binding.GeoIPCityChanged})
		lives(t, ctx)
		time.Sleep(time.Hour)
		lives(t, ctx)
	})
}

// What the host requires of a user later ends what is open, too.
func TestLiveEndsWhenAnActionIsRequired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		stage := loginstagetest.New(t, loginstage.Config{Store: store})
		watching(t, stage.UserLogin)
		token := signedInAs(t, stage, "ada")
		ctx := liveIn(t, stage, token, stage.Live, t.Context())
		sessions, err := stage.Sessions(t.Context(), "ada")
		require.NoError(t, err)
		changed, err := store.Update(t.Context(), sessions[0].ID, session.Update{Version: sessions[0].Version, Value: []byte(`{"tenant":"x"}`)})
		require.NoError(t, err)
		lives(t, ctx)
		_, err = store.Update(t.Context(), changed.ID, session.Update{Version: changed.Version, Require: []string{"terms"}})
		require.NoError(t, err)
		assert.Equal(t, []string{"terms"}, over(t, ctx).Required)
		lives(t, liveIn(t, stage, token, stage.Live, t.Context()))
	})
}

// Without a session, or one whose store does not answer, nothing is live.
func TestLiveWithoutASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := loginstagetest.NewStore(nil)
		stage := loginstagetest.New(t, loginstage.Config{Store: store})
		assert.ErrorIs(t, over(t, stage.Live(httptest.NewRequest(http.MethodGet, "/", nil))), session.ErrNotFound)
		assert.ErrorIs(t, over(t, liveIn(t, stage, "", stage.Live, t.Context())), session.ErrNotFound)

		token := signedInAs(t, stage, "ada")
		ctx := liveIn(t, stage, token, func(r *http.Request) context.Context {
			store.Fail(errOut)
			return stage.Live(r)
		}, t.Context())
		assert.ErrorIs(t, over(t, ctx), errOut)
	})
}

// The session is looked for once more when a stream begins: it may have ended since the
// guard looked.
func TestLiveMissesNothingWhileItBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, loginstage.Config{})
		watching(t, stage.UserLogin)
		ctx := liveIn(t, stage, signedInAs(t, stage, "ada"), func(r *http.Request) context.Context {
			_, err := stage.RevokeUser(t.Context(), "ada", "operator")
			require.NoError(t, err)
			synctest.Wait() // told by now
			return stage.Live(r)
		}, t.Context())
		assert.Equal(t, session.CauseRevoked, over(t, ctx).Ending)
	})
}

func TestLiveEndsWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, loginstage.Config{})
		watching(t, stage.UserLogin)
		why := fmt.Errorf("the client hung up: %w", context.Canceled)
		for _, asked := range []bool{false, true} {
			parent, cancel := context.WithCancelCause(context.WithValue(t.Context(), "key", "value")) //nolint:staticcheck // it is this test's
			ctx := liveIn(t, stage, signedInAs(t, stage, "ada"), stage.Live, parent)
			assert.Equal(t, "value", ctx.Value("key"))
			told := make(chan struct{})
			context.AfterFunc(ctx, func() { close(told) })
			stop := context.AfterFunc(ctx, func() { assert.Fail(t, "it was stopped") })
			require.True(t, stop())
			require.False(t, stop())
			lives(t, ctx)
			cancel(why)
			if !asked {
				time.Sleep(time.Second)
			}
			require.ErrorIs(t, ctx.Err(), context.Canceled)
			<-ctx.Done()
			<-told
			assert.Equal(t, why, context.Cause(ctx))
		}
	})
}

// What tells the client of a stream why it ended has the denial of a request.
func TestAccessErrorOfLive(t *testing.T) {
	id := session.NewToken("ada").ID()
	restricted := session.Session{ID: id}
	restricted.Drift.Restricted = binding.GeoIPCityChanged
	for name, test := range map[string]struct {
		why  loginstage.LiveError
		want loginstage.AccessError
		text string
	}{
		"revoked":        {loginstage.LiveError{Session: id, Ending: session.CauseRevoked}, loginstage.AccessError{Denial: loginstage.DenialSignIn, Session: session.Session{ID: id}, Ending: session.Ending{Cause: session.CauseRevoked}}, "has ended: revoked"},
		"for no cause":   {loginstage.LiveError{Session: id}, loginstage.AccessError{Denial: loginstage.DenialSignIn, Session: session.Session{ID: id}}, "has ended"},
		"broken":         {loginstage.LiveError{Session: id, Ending: session.CauseBroken}, loginstage.AccessError{Denial: loginstage.DenialBroken, Session: session.Session{ID: id}, Ending: session.Ending{Cause: session.CauseBroken}}, "binding_broken"},
		"restricted":     {loginstage.LiveError{Session: id, Restricted: binding.GeoIPCityChanged}, loginstage.AccessError{Denial: loginstage.DenialStepUp, Session: restricted}, "restricted"},
		"required":       {loginstage.LiveError{Session: id, Required: []string{"terms"}}, loginstage.AccessError{Denial: loginstage.DenialRequired, Session: session.Session{ID: id, Required: []string{"terms"}}}, "terms"},
		"no session":     {loginstage.LiveError{Err: session.ErrNotFound}, loginstage.AccessError{Denial: loginstage.DenialSignIn}, "not found"},
		"not heard":      {loginstage.LiveError{Session: id, Err: loginstage.ErrUnheard}, loginstage.AccessError{Denial: loginstage.DenialUnavailable, Session: session.Session{ID: id}, Err: loginstage.ErrUnheard}, "no Watch runs"},
		"a store's fail": {loginstage.LiveError{Err: errOut}, loginstage.AccessError{Denial: loginstage.DenialUnavailable, Err: errOut}, errOut.Error()},
	} {
		got := test.why.AccessError()
		assert.Equal(t, &test.want, got, name)
		assert.Contains(t, test.why.Error(), test.text, name)
		assert.NotRegexp(t, `[:,] ?$`, test.why.Error(), name)
		assert.NotRegexp(t, `[:,] ?$`, got.Error(), name)
	}
}

// A host that forgets Watch has no streams that outlive their sessions.
func TestLiveWithoutAWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		stage := loginstagetest.New(t, loginstage.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		token := signedInAs(t, stage, "ada")
		early := liveIn(t, stage, token, stage.Live, t.Context())
		time.Sleep(29 * time.Second)
		lives(t, early)
		time.Sleep(2 * time.Second)
		assert.ErrorIs(t, over(t, early), loginstage.ErrUnheard)
		assert.Contains(t, log.String(), "no UserLogin.Watch runs")

		early = liveIn(t, stage, token, stage.Live, t.Context())
		stop := watching(t, stage.UserLogin)
		time.Sleep(time.Hour)
		lives(t, early)
		stop()
		assert.ErrorIs(t, over(t, early), loginstage.ErrUnheard, "a server that shuts down ends its streams")
	})
}

func TestWatchNeedsAStoreThatTells(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{Store: silent{memstore.New()}})
	assert.ErrorIs(t, stage.Watch(t.Context()), session.ErrNotWatched)
}

// silent is a store that tells of no changes.
type silent struct{ session.Store }

// Where changes were missed, or cannot be heard for long, streams end.
func TestLiveWhereChangesAreLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &cuttable{Store: memstore.New(), changes: make(chan session.Change)}
		stage := loginstagetest.New(t, loginstage.Config{Store: store})
		watching(t, stage.UserLogin)
		store.changes <- session.Change{Kind: session.ChangeConnected, Heard: time.Now()}
		synctest.Wait()
		ada, bob := liveIn(t, stage, signedInAs(t, stage, "ada"), stage.Live, t.Context()), liveIn(t, stage, signedInAs(t, stage, "bob"), stage.Live, t.Context())
		store.changes <- session.Change{Kind: session.ChangeLost, Err: errOut}
		synctest.Wait()
		_, err := stage.RevokeUser(t.Context(), "ada", "operator")
		require.NoError(t, err)
		time.Sleep(10 * time.Second)
		lives(t, ada) // nobody told
		store.changes <- session.Change{Kind: session.ChangeConnected, Heard: time.Now()}
		assert.Equal(t, session.CauseRevoked, over(t, ada).Ending)
		lives(t, bob)

		for range 60 {
			time.Sleep(time.Second)
			store.changes <- session.Change{Kind: session.ChangeHeard, Heard: time.Now()}
		}
		lives(t, bob)
		store.changes <- session.Change{Kind: session.ChangeLost, Err: errOut}
		time.Sleep(31 * time.Second)
		assert.ErrorIs(t, over(t, bob), loginstage.ErrUnheard)
	})
}

// What is told twice, late, in another order, or of sessions that nobody knows ends what it
// is about, once, for the reason that came first, and nothing else.
func TestChangesOutOfOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &cuttable{Store: memstore.New(), changes: make(chan session.Change)}
		stage := loginstagetest.New(t, loginstage.Config{Store: store})
		watching(t, stage.UserLogin)
		tell := func(changes ...session.Change) {
			for _, c := range changes {
				store.changes <- c
				synctest.Wait()
			}
		}
		connected := session.Change{Kind: session.ChangeConnected, Heard: time.Now()}
		tell(connected)
		open := map[string]context.Context{}
		ids := map[string]session.ID{}
		for _, user := range []string{"ada", "bob", "eve", "mel", "max"} {
			open[user] = liveIn(t, stage, signedInAs(t, stage, user), stage.Live, t.Context()) //nolint:fatcontext // one of each user
			sessions, err := stage.Sessions(t.Context(), user)
			require.NoError(t, err)
			ids[user] = sessions[0].ID
		}
		ended := func(user string, cause session.Cause) session.Change {
			return session.Change{Kind: session.ChangeEnded, ID: ids[user], User: user, Cause: cause}
		}
		updated := func(user string, restricted binding.Reason) session.Change {
			return session.Change{Kind: session.ChangeUpdated, ID: ids[user], User: user, Restricted: restricted}
		}

		tell(ended("ada", session.CauseRevoked), ended("ada", session.CauseRevoked), updated("ada", ""), ended("ada", session.CauseSignedOut))
		assert.Equal(t, session.CauseRevoked, over(t, open["ada"]).Ending)

		tell(updated("bob", binding.GeoIPCityChanged), updated("bob", binding.GeoIPCityChanged), ended("bob", session.CauseRevoked))
		assert.Equal(t, binding.GeoIPCityChanged, over(t, open["bob"]).Restricted)

		// The ending is in the store, and an older update is told first.
		_, err := stage.RevokeUser(t.Context(), "eve", "operator")
		require.NoError(t, err)
		tell(updated("eve", ""))
		assert.Equal(t, session.CauseRevoked, over(t, open["eve"]).Ending)
		tell(ended("eve", session.CauseRevoked))

		// Of a session that was restricted before its stream began.
		restricted := liveIn(t, stage, signedInAs(t, stage, "bob"), stage.Live, t.Context())
		tell(
			session.Change{Kind: session.ChangeEnded, ID: session.NewToken("mel").ID(), User: "mel"}, // an old one
			session.Change{Kind: session.ChangeUpdated, ID: session.NewToken("mel").ID(), User: "mel", Restricted: binding.GeoIPMissing},
			updated("mel", ""), updated("mel", ""),
			session.Change{Kind: session.ChangeHeard, Heard: time.Now().Add(-time.Hour)},
			connected, connected,
			session.Change{Kind: session.ChangeLost}, session.Change{Kind: session.ChangeLost},
			session.Change{Kind: 200, ID: ids["mel"]}, // of a later release
			connected,
		)
		for _, ctx := range []context.Context{open["mel"], open["max"], restricted} {
			lives(t, ctx)
		}
	})
}

// A flood of endings ends each stream, of the thousands that it is not about none, and
// keeps no request waiting for it.
func TestAFloodOfEndings(t *testing.T) {
	const users, perUser, streams = 400, 100, 10 // 40,000 endings; one of ten has a stream
	store := memstore.New()
	stage, err := loginstage.New(loginstage.Config{Store: store, Carrier: session.Bearer{}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- stage.Watch(ctx) }()
	manager, err := session.NewManager(session.Config{Store: store, Carrier: session.Bearer{}})
	require.NoError(t, err)
	request := func(user string) *http.Request {
		r, w := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil), httptest.NewRecorder()
		_, err := manager.Start(w, r, session.Session{
			User: user, Stage: loginstage.DefaultName, Expires: time.Now().Add(time.Hour), IP: netip.MustParseAddr("192.0.2.1"),
		}, session.Replace{})
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+w.Header().Get(session.DefaultTokenHeader))
		return r
	}
	var open []context.Context
	for i := range users {
		for n := range perUser {
			r := request(fmt.Sprint("user ", i))
			if n < streams {
				open = append(open, stage.Live(r))
			}
		}
	}
	steady := request("steady")
	goesOn := stage.Live(steady)
	handler := stage.Require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	var flood, serving sync.WaitGroup
	for part := range 4 {
		flood.Go(func() {
			for i := part; i < users; i += 4 {
				_, err := stage.RevokeUser(ctx, fmt.Sprint("user ", i), "operator")
				assert.NoError(t, err)
			}
		})
	}
	over := make(chan struct{})
	var served int
	var slowest time.Duration
	serving.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
			}
			w, began := httptest.NewRecorder(), time.Now()
			handler.ServeHTTP(w, steady)
			slowest = max(slowest, time.Since(began))
			served++
			if !assert.Equal(t, http.StatusOK, w.Code) {
				return
			}
		}
	})
	flood.Wait()
	for _, stream := range open {
		<-stream.Done()
		why, ok := errors.AsType[*loginstage.LiveError](stream.Err())
		require.True(t, ok)
		require.Equal(t, session.CauseRevoked, why.Ending)
	}
	close(over)
	serving.Wait()
	t.Logf("%d requests were served meanwhile, the slowest in %s", served, slowest)
	require.NoError(t, goesOn.Err())
	cancel()
	assert.ErrorIs(t, <-done, context.Canceled)
}

// cuttable is a store whose test says what it tells.
type cuttable struct {
	session.Store
	changes chan session.Change
}

func (c *cuttable) Watch(ctx context.Context, _ time.Duration, tell func(session.Change)) error {
	for {
		select {
		case change := <-c.changes:
			tell(change)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Streams cost up to 300 bytes and no goroutine each, and each ends.
func TestManyStreams(t *testing.T) {
	const streams = 20_000
	store := memstore.New()
	stage := loginstagetest.New(t, loginstage.Config{Store: store})
	manager, err := session.NewManager(session.Config{Store: store})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- stage.Watch(ctx) }()
	requests := make([]*http.Request, streams)
	for i := range requests {
		requests[i] = httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
		w := httptest.NewRecorder()
		_, err := manager.Start(w, requests[i], session.Session{
			User: fmt.Sprint("user-", i/10), Stage: loginstage.DefaultName, Expires: time.Now().Add(time.Hour),
			IP: netip.MustParseAddr("192.0.2.1"), // as httptest has it
		}, session.Replace{})
		require.NoError(t, err)
		requests[i].AddCookie(w.Result().Cookies()[0])
	}
	open := make([]context.Context, 0, streams)
	before, goroutines := memory(), runtime.NumGoroutine()
	for _, r := range requests {
		open = append(open, stage.Live(r))
	}
	each := float64(memory()-before) / streams
	t.Logf("%.0f bytes each", each)
	assert.LessOrEqual(t, each, 300.0)
	assert.Less(t, runtime.NumGoroutine()-goroutines, 100)
	for i := range streams / 10 {
		_, err := stage.RevokeUser(t.Context(), fmt.Sprint("user-", i), "operator")
		require.NoError(t, err)
	}
	for _, stream := range open {
		<-stream.Done()
		require.NotErrorIs(t, stream.Err(), loginstage.ErrUnheard)
	}
	cancel()
	assert.ErrorIs(t, <-done, context.Canceled)
	runtime.KeepAlive(requests)
}

func memory() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
