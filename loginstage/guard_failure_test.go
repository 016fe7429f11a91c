package loginstage_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/binding/clientip"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

var errOut = errors.New("out of order")

// unavailable checks that the answer is a 503 that takes nothing from the client.
func unavailable(t *testing.T, response loginstagetest.Response) {
	t.Helper()
	assert.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
	assert.Empty(t, response.Header["Set-Cookie"])
	assert.Equal(t, "no-store", response.Header.Get("Cache-Control"))
	assert.Equal(t, "1", response.Header.Get("Retry-After"))
	assert.Equal(t, "application/problem+json", response.Header.Get("Content-Type"))
	assert.JSONEq(t, `{"type":"about:blank","title":"Service Unavailable","status":503,
		"detail":"Whether you are signed in could not be checked. Try again."}`, response.Text)
}

func TestAStoreThatFails(t *testing.T) {
	store := loginstagetest.NewStore(nil)
	stage, browser := open(t, loginstage.Config{Store: store, LoginURL: "/login"})
	signIn(t, browser, "ada")
	store.Fail(errOut)
	for _, path := range []string{"/whoami", "/private/"} {
		unavailable(t, browser.Get(path))
		unavailable(t, browser.Call("POST", path, nil))
	}
	anonymous := loginstagetest.NewBrowser(t, app(stage.UserLogin))
	assert.Equal(t, "nobody", whoami(anonymous), "who sends no token is anonymous without the store")

	store.Repair()
	assert.Equal(t, "ada", whoami(browser))
	assert.Empty(t, stage.Events.Of(loginstage.ActionLogout))
}

// failingMemory is a store in memory whose Get fails. What else the embedded store can
// do must not be a way around it.
type failingMemory struct {
	*memstore.Store
	err error
}

func (f *failingMemory) Get(ctx context.Context, id session.ID) (session.Session, error) {
	if f.err != nil {
		return session.Session{}, f.err
	}
	return f.Store.Get(ctx, id)
}

func TestAStoreThatEmbedsAnotherAndFails(t *testing.T) {
	store := &failingMemory{Store: memstore.New()}
	_, browser := open(t, loginstage.Config{Store: store})
	signIn(t, browser, "ada")
	assert.Equal(t, "ada", whoami(browser))
	store.err = errOut
	unavailable(t, browser.Get("/whoami"))
}

// hasty is a store whose endings are not safe yet when it returns.
type hasty struct{ session.Store }

func (h hasty) End(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	s, err := h.Store.End(ctx, id, ending)
	if err == nil {
		err = errOut
	}
	return s, err
}

// A session that has ended is told of, once, though the store says that it may not last.
func TestAnEndingThatMayNotLast(t *testing.T) {
	stage, browser := open(t, loginstage.Config{Store: hasty{memstore.New()}, GeoIPBinding: binding.GeoIPCountry})
	signIn(t, browser, "ada")
	browser.MoveTo(bindingtest.Tokyo)
	unavailable(t, browser.Get("/whoami"))
	assert.Equal(t, "nobody", whoami(browser))
	require.Len(t, stage.Events.Of(loginstage.ActionLogout), 1)
	assert.Equal(t, session.CauseBroken, stage.Events.Last().Cause)
}

// Current returns the session as the guard found it for the whole request, also once the
// session has changed or ended.
func TestARequestKeepsTheSessionThatItFound(t *testing.T) {
	store := memstore.New()
	login, err := loginstage.New(loginstage.Config{Store: store})
	require.NoError(t, err)
	var before, after session.Session
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		_, err := login.Begin(w, r, loginstage.User{ID: "ada"})
		require.NoError(t, err)
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		before, _ = loginstage.Current(r.Context())
		require.NoError(t, store.Touch(r.Context(), before.ID, session.Seen{Time: time.Now().Add(time.Hour), IP: bindingtest.Tokyo}))
		_, err := login.SetValue(r.Context(), before, "changed")
		require.NoError(t, err)
		require.NoError(t, login.Revoke(r.Context(), "ada", before.ID, "root"))
		after, _ = loginstage.Current(r.Context())
	})
	browser := loginstagetest.NewBrowser(t, login.Guard(mux))
	require.Equal(t, http.StatusOK, browser.PostForm("/login", nil).StatusCode)
	require.Equal(t, http.StatusOK, browser.Get("/").StatusCode)
	assert.Equal(t, "ada", before.User)
	assert.Equal(t, before, after)
}

func TestAStoreThatHangs(t *testing.T) {
	for _, test := range []struct {
		timeout string
		want    time.Duration
	}{{"seconds=0", 3 * time.Second}, {"milliseconds=250", 250 * time.Millisecond}} {
		synctest.Test(t, func(t *testing.T) {
			store := loginstagetest.NewStore(nil)
			_, browser := open(t, loginstage.Config{Store: store, StoreTimeout: duration.MustParse(test.timeout)})
			signIn(t, browser, "ada")
			store.Hang()
			began := time.Now()
			unavailable(t, browser.Get("/whoami"))
			assert.Equal(t, test.want, time.Since(began))
			store.Repair()
			assert.Equal(t, "ada", whoami(browser))
		})
	}
}

// Each step of the store that a guarded request takes can fail on its own.
func TestAStepThatFails(t *testing.T) {
	for _, step := range []loginstagetest.Step{loginstagetest.Touch, loginstagetest.End} {
		t.Run(string(step), func(t *testing.T) {
			store := &failingStep{Store: loginstagetest.NewStore(nil)}
			stage, browser := open(t, loginstage.Config{Store: store, GeoIPBinding: binding.GeoIPCountry})
			signIn(t, browser, "ada")
			if browser.MoveTo(bindingtest.Munich); step == loginstagetest.End {
				browser.MoveTo(bindingtest.Paris)
			}
			store.step = step
			unavailable(t, browser.Get("/whoami"))
			assert.Len(t, sessions(t, stage, "ada"), 1)
			assert.Empty(t, stage.Events.Of(loginstage.ActionLogout))

			store.step = ""
			want := map[loginstagetest.Step]int{loginstagetest.Touch: http.StatusOK, loginstagetest.End: http.StatusUnauthorized}[step]
			assert.Equal(t, want, browser.Get("/whoami").StatusCode)
		})
	}
}

type failingStep struct {
	*loginstagetest.Store
	step loginstagetest.Step
}

func (s *failingStep) Touch(ctx context.Context, id session.ID, seen session.Seen) error {
	if s.step == loginstagetest.Touch {
		return errOut
	}
	return s.Store.Touch(ctx, id, seen)
}

func (s *failingStep) End(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	if s.step == loginstagetest.End {
		return session.Session{}, errOut
	}
	return s.Store.End(ctx, id, ending)
}

// A session that ends, by whatever, between being loaded and being touched is
// not signed in.
func TestEndedWhileBeingLoaded(t *testing.T) {
	store := &endsBeforeTouch{Store: loginstagetest.NewStore(nil)}
	_, browser := open(t, loginstage.Config{Store: store, GeoIPBinding: binding.GeoIPCountry})
	signIn(t, browser, "ada")
	browser.MoveTo(bindingtest.Munich)
	assert.Equal(t, "nobody", whoami(browser))
}

type endsBeforeTouch struct{ *loginstagetest.Store }

func (s *endsBeforeTouch) Touch(ctx context.Context, id session.ID, seen session.Seen) error {
	if _, err := s.End(ctx, id, session.Ending{Cause: session.CauseRevoked, Keep: time.Now().Add(time.Hour)}); err != nil {
		return err
	}
	return s.Store.Touch(ctx, id, seen)
}

func TestALocatorThatFails(t *testing.T) {
	failing := false
	stage, browser := open(t, loginstage.Config{
		GeoIPBinding: binding.GeoIPCountry,
		Locator: locate(func(ctx context.Context, ip netip.Addr) (binding.Location, error) {
			if failing {
				return bindingtest.Failing{}.Locate(ctx, ip)
			}
			return bindingtest.Places().Locate(ctx, ip)
		}),
	})
	signIn(t, browser, "ada")
	failing = true
	assert.Equal(t, "ada", whoami(browser), "who has not moved is not looked up")
	browser.MoveTo(bindingtest.Munich)
	unavailable(t, browser.Get("/whoami"))
	browser.MoveTo(bindingtest.Tokyo)
	unavailable(t, browser.Get("/private/"))
	assert.Len(t, sessions(t, stage, "ada"), 1, "a broken file signs nobody out")

	assert.Equal(t, http.StatusInternalServerError, browser.PostForm("/begin?user=ada", nil).StatusCode, "and nobody in")
	failing = false
	browser.MoveTo(bindingtest.Munich)
	assert.Equal(t, "ada", whoami(browser))
	assert.Len(t, sessions(t, stage, "ada"), 1)
}

func TestALocatorThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hanging := false
		_, browser := open(t, loginstage.Config{
			GeoIPBinding: binding.GeoIPCountry, StoreTimeout: duration.MustParse("seconds=2"),
			Locator: locate(func(ctx context.Context, ip netip.Addr) (binding.Location, error) {
				if hanging {
					<-ctx.Done()
					return binding.Location{}, ctx.Err()
				}
				return bindingtest.Places().Locate(ctx, ip)
			}),
		})
		signIn(t, browser, "ada")
		hanging = true
		browser.MoveTo(bindingtest.Munich)
		began := time.Now()
		unavailable(t, browser.Get("/whoami"))
		assert.Equal(t, 2*time.Second, time.Since(began))
	})
}

// Where nothing is bound, a sign-in needs no place.
func TestWithoutABindingNoPlaceIsNeeded(t *testing.T) {
	stage, browser := open(t, loginstage.Config{Locator: bindingtest.Failing{}})
	signIn(t, browser, "ada")
	assert.Equal(t, bindingtest.Berlin, sessions(t, stage, "ada")[0].IP, "the address is known all the same")

	browser.MoveTo(netip.Addr{})
	assert.Equal(t, "ada", whoami(browser))
	assert.False(t, sessions(t, stage, "ada")[0].IP.IsValid())
	signIn(t, browser, "ada")
	assert.False(t, stage.Events.Last().ClientIP.IsValid())
}

func TestAnUnknownAddress(t *testing.T) {
	config := asking
	config.NetworkBinding = binding.NetworkASN
	stage, browser := open(t, config)
	signIn(t, browser, "ada")
	browser.MoveTo(netip.Addr{})
	unavailable(t, browser.Get("/whoami"))
	assert.Equal(t, http.StatusInternalServerError, browser.PostForm("/begin?user=ada", nil).StatusCode)

	browser.MoveTo(bindingtest.Berlin)
	assert.Equal(t, "ada", whoami(browser))
	assert.Len(t, sessions(t, stage, "ada"), 1)

	begin(t, browser, "ada")
	browser.MoveTo(netip.Addr{})
	assert.Equal(t, http.StatusInternalServerError, browser.PostForm("/finish", nil).StatusCode)
	browser.MoveTo(bindingtest.Berlin)
	assert.Equal(t, http.StatusOK, browser.PostForm("/finish", nil).StatusCode, "it can be tried again")
}

// Also where the host has taken the locator away since.
func TestAnUnknownAddressWithoutALocator(t *testing.T) {
	store := loginstagetest.NewStore(nil)
	_, browser := open(t, loginstage.Config{Store: store, NetworkBinding: binding.NetworkASN})
	signIn(t, browser, "ada")
	later, err := loginstage.New(loginstage.Config{Store: store, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	restarted := loginstagetest.NewBrowser(t, app(later))
	restarted.SetCookie(&http.Cookie{Name: cookie, Value: browser.Cookie(cookie), Path: "/", Secure: true})
	restarted.MoveTo(netip.Addr{})
	unavailable(t, restarted.Get("/whoami"))
	restarted.MoveTo(bindingtest.Berlin)
	assert.Equal(t, "ada", whoami(restarted))
	restarted.MoveTo(bindingtest.BerlinNeighbour)
	assert.Equal(t, http.StatusUnauthorized, restarted.Get("/whoami").StatusCode, "nothing is known of it")
}

// The address is that of the client, not of the proxy.
func TestTheClientsAddress(t *testing.T) {
	stage, browser := open(t, loginstage.Config{
		GeoIPBinding: binding.GeoIPCountry,
		ClientIP:     clientip.TrustedProxies("X-Forwarded-For", netip.MustParsePrefix("203.0.113.0/24")),
	})
	from := func(address string) loginstagetest.Response {
		r := httptest.NewRequest("GET", "/whoami", nil)
		r.Header.Set("X-Forwarded-For", address)
		return browser.Do(r)
	}
	signIn(t, browser, "ada") // directly, from Berlin
	browser.MoveTo(netip.MustParseAddr("203.0.113.7"))
	assert.Equal(t, "ada", from("::ffff:192.0.2.129").Text)
	unavailable(t, from("unknown"))
	unavailable(t, from("192.0.2.129, not an address"))
	assert.Len(t, sessions(t, stage, "ada"), 1)
	assert.Equal(t, http.StatusUnauthorized, from("198.51.100.1").StatusCode)
	assert.Equal(t, bindingtest.Paris, stage.Events.Last().ClientIP)
}

func TestASignInThatCannotBeStored(t *testing.T) {
	for _, hang := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			store := loginstagetest.NewStore(nil)
			stage, browser := open(t, loginstage.Config{Store: store, RememberDevice: duration.MustParse("days=30")})
			if store.Fail(errOut); hang {
				store.Hang()
			}
			response := browser.PostForm("/begin?user=ada", nil)
			assert.Equal(t, http.StatusInternalServerError, response.StatusCode)
			assert.Empty(t, response.Header["Set-Cookie"])
			assert.Empty(t, stage.Events.Events())
			store.Repair()
			assert.Empty(t, sessions(t, stage, "ada"))
		})
	}
}

func TestAnAnswerThatCannotBeStored(t *testing.T) {
	store := loginstagetest.NewStore(nil)
	config := asking
	config.Store = store
	stage, browser := open(t, config)
	begin(t, browser, "ada")
	store.Fail(errOut)
	response := browser.PostForm("/finish", nil)
	assert.Equal(t, http.StatusInternalServerError, response.StatusCode)
	assert.Empty(t, response.Header["Set-Cookie"])
	store.Repair()
	assert.Equal(t, http.StatusOK, browser.PostForm("/finish", nil).StatusCode, "the challenge is still there")
	assert.Len(t, sessions(t, stage, "ada"), 1)
}

// carrier is a cookie that can be made to fail.
type carrier struct {
	session.Cookie
	read, write, clear error
}

func (c *carrier) Read(r *http.Request) (session.Token, error) {
	if c.read != nil {
		return session.Token{}, c.read
	}
	return c.Cookie.Read(r)
}

func (c *carrier) Write(w http.ResponseWriter, r *http.Request, t session.Token, maxAge time.Duration) error {
	if c.write != nil {
		return c.write
	}
	return c.Cookie.Write(w, r, t, maxAge)
}

func (c *carrier) Clear(w http.ResponseWriter, r *http.Request) error {
	if c.clear != nil {
		return c.clear
	}
	return c.Cookie.Clear(w, r)
}

func TestACarrierThatFails(t *testing.T) {
	carrier := &carrier{}
	stage, browser := open(t, loginstage.Config{Carrier: carrier, GeoIPBinding: binding.GeoIPCountry})
	signIn(t, browser, "ada")

	carrier.read = errOut
	unavailable(t, browser.Get("/whoami"))
	assert.Equal(t, http.StatusInternalServerError, browser.PostForm("/begin?user=ada", nil).StatusCode)
	assert.Equal(t, http.StatusInternalServerError, browser.PostForm("/logout", nil).StatusCode)
	carrier.read = nil
	assert.Equal(t, "ada", whoami(browser))

	carrier.clear = errOut
	before := browser.Cookie(cookie)
	thief := browser.Clone()
	thief.MoveTo(bindingtest.Paris)
	assert.Equal(t, http.StatusUnauthorized, thief.Get("/whoami").StatusCode, "the session has ended")
	assert.Equal(t, "nobody", whoami(browser))
	assert.Equal(t, http.StatusInternalServerError, browser.PostForm("/logout", nil).StatusCode)
	carrier.clear = nil

	carrier.write = errOut
	stage.Events.Reset()
	assert.Equal(t, http.StatusInternalServerError, browser.PostForm("/begin?user=ada", nil).StatusCode)
	assert.Empty(t, sessions(t, stage, "ada"), "a session that nobody has the token of")
	assert.Empty(t, stage.Events.Of(loginstage.ActionLogin))
	assert.Equal(t, []session.Cause{session.CauseNotCarried}, causes(stage, loginstage.ActionLogout))
	assert.Equal(t, before, browser.Cookie(cookie))
}

// What failed is in the log, for the operator, and not in the answer.
func TestFailuresAreLogged(t *testing.T) {
	var log bytes.Buffer
	store := loginstagetest.NewStore(nil)
	_, browser := open(t, loginstage.Config{Store: store, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	signIn(t, browser, "ada")
	store.Fail(errOut)
	response := browser.Get("/whoami")
	require.NotContains(t, response.Text, errOut.Error())
	assert.Contains(t, log.String(), "level=ERROR")
	assert.Contains(t, log.String(), errOut.Error())
	assert.NotContains(t, log.String(), browser.Cookie(cookie))
}

// secondStartFails is a store whose every second Start fails.
type secondStartFails struct {
	*loginstagetest.Store
	starts int
}

func (s *secondStartFails) Start(ctx context.Context, started session.Session, replace session.Replace) ([]session.Ended, error) {
	if s.starts++; s.starts%2 == 0 {
		return nil, errOut
	}
	return s.Store.Start(ctx, started, replace)
}
