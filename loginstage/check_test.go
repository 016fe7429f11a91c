package loginstage_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
)

// denials are one browser for each denial, and what is known of it.
func denials(t *testing.T, config loginstage.Config, test func(t *testing.T, stage *loginstagetest.Stage, open func(handler http.Handler) *loginstagetest.Browser, want loginstage.Denial)) {
	for _, denial := range []loginstage.Denial{loginstage.DenialSignIn, loginstage.DenialStepUp, loginstage.DenialBroken, loginstage.DenialUnavailable} {
		t.Run(string(denial), func(t *testing.T) {
			store := loginstagetest.NewStore(nil)
			config.Store, config.GeoIPBinding = store, binding.GeoIPCountry
			config.Actions = binding.Always(binding.End)
			if denial == loginstage.DenialStepUp {
				config.Actions = binding.Always(binding.StepUp)
			}
			stage := loginstagetest.New(t, config)
			test(t, stage, func(handler http.Handler) *loginstagetest.Browser {
				mux := http.NewServeMux()
				mux.Handle("/app/", app(stage.UserLogin))
				mux.Handle("/begin", app(stage.UserLogin))
				mux.Handle("/", handler)
				browser := loginstagetest.NewBrowser(t, mux)
				if denial != loginstage.DenialSignIn {
					signIn(t, browser, "ada")
				}
				browser.MoveTo(bindingtest.Paris)
				if denial == loginstage.DenialUnavailable {
					store.Fail(errOut)
				}
				return browser
			}, denial)
		})
	}
}

// assertDenied checks what is known of a denial.
func assertDenied(t *testing.T, want loginstage.Denial, denied *loginstage.AccessError) {
	t.Helper()
	assert.Equal(t, want, denied.Denial)
	assert.ErrorContains(t, denied, string(want))
	switch want {
	case loginstage.DenialStepUp:
		assert.Equal(t, "ada", denied.Session.User)
		assert.Equal(t, binding.GeoIPCountryChanged, denied.Session.Drift.Restricted)
		assert.Empty(t, denied.Ending.Cause)
	case loginstage.DenialBroken:
		assert.Equal(t, "ada", denied.Session.User)
		assert.Equal(t, session.CauseBroken, denied.Ending.Cause)
		assert.Equal(t, binding.GeoIPCountryChanged, denied.Ending.Reason)
		assert.Equal(t, bindingtest.Paris, denied.Ending.Client)
	case loginstage.DenialUnavailable:
		assert.ErrorIs(t, denied, errOut)
	default:
		assert.Zero(t, denied.Session)
		assert.NoError(t, denied.Err)
	}
}

func TestCheck(t *testing.T) {
	denials(t, loginstage.Config{}, func(t *testing.T, stage *loginstagetest.Stage, open func(http.Handler) *loginstagetest.Browser, want loginstage.Denial) {
		called := false
		browser := open(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			called = true
			s, err := stage.Check(w, r)
			denied, ok := errors.AsType[*loginstage.AccessError](err)
			require.True(t, ok, "%v", err)
			assert.Zero(t, s)
			assertDenied(t, want, denied)
			denied.Respond(w, r)
		}))
		response := browser.Call("GET", "/", nil)
		assert.True(t, called)
		status := map[loginstage.Denial]int{loginstage.DenialUnavailable: http.StatusServiceUnavailable}[want]
		assert.Equal(t, max(status, http.StatusUnauthorized), response.StatusCode)
		assert.Equal(t, "application/problem+json", response.Header.Get("Content-Type"))
		assert.Equal(t, "no-store", response.Header.Get("Cache-Control"))
		assert.Equal(t, "Cookie", response.Header.Get("Vary"))
	})
}

func TestCheckOfAnHonestSession(t *testing.T) {
	store := loginstagetest.NewStore(nil)
	stage, browser := open(t, loginstage.Config{Store: store})
	signIn(t, browser, "ada")
	for _, guarded := range []bool{false, true} {
		handler := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, err := stage.Check(w, r)
			require.NoError(t, err)
			assert.Equal(t, "ada", s.User)
		}))
		if guarded {
			handler = stage.Guard(handler)
		}
		before := store.Calls(loginstagetest.Get)
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(&http.Cookie{Name: cookie, Value: browser.Cookie(cookie)})
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		assert.Equal(t, before+1, store.Calls(loginstagetest.Get), "the work is done once")
		assert.Equal(t, "Cookie", w.Header().Get("Vary"))
		assert.Equal(t, "private, no-cache", w.Header().Get("Cache-Control"))
	}
}

// The host's one handler answers all that Require denies, and what Guard denies.
func TestTheHostAnswersDenials(t *testing.T) {
	var told []*loginstage.AccessError
	config := loginstage.Config{
		LoginURL: "/login", StepUpURL: "/prove",
		Deny: func(w http.ResponseWriter, r *http.Request, denied *loginstage.AccessError) {
			told = append(told, denied)
			_, signedIn := loginstage.Current(r.Context())
			assert.False(t, signedIn)
			if r.URL.Path == "/as-it-is" {
				denied.Respond(w, r)
				return
			}
			w.WriteHeader(http.StatusTeapot)
		},
	}
	denials(t, config, func(t *testing.T, stage *loginstagetest.Stage, open func(http.Handler) *loginstagetest.Browser, want loginstage.Denial) {
		told = nil
		browser := open(stage.Require(http.NotFoundHandler()))
		response := browser.Get("/")
		assert.Equal(t, http.StatusTeapot, response.StatusCode)
		assert.Equal(t, []string{"no-store"}, response.Header["Cache-Control"])
		assert.Equal(t, []string{"Cookie"}, response.Header["Vary"])
		require.Len(t, told, 1)
		assertDenied(t, want, told[0])
		if want == loginstage.DenialBroken {
			assert.Len(t, stage.Events.Of(loginstage.ActionLogout), 1)
		}
	})
	denials(t, config, func(t *testing.T, stage *loginstagetest.Stage, open func(http.Handler) *loginstagetest.Browser, want loginstage.Denial) {
		response := open(stage.Require(http.NotFoundHandler())).Get("/as-it-is")
		switch want {
		case loginstage.DenialUnavailable:
			assert.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
			assert.Equal(t, "1", response.Header.Get("Retry-After"))
		case loginstage.DenialStepUp:
			assert.Equal(t, "/prove?next=%2Fas-it-is", response.Header.Get("Location"))
		default:
			assert.Equal(t, "/login?next=%2Fas-it-is", response.Header.Get("Location"))
		}
	})
	denials(t, config, func(t *testing.T, stage *loginstagetest.Stage, open func(http.Handler) *loginstagetest.Browser, want loginstage.Denial) {
		response := open(stage.Guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))).Get("/")
		if want == loginstage.DenialSignIn || want == loginstage.DenialStepUp {
			assert.Equal(t, http.StatusOK, response.StatusCode, "a guard passes it on as anonymous")
		} else {
			assert.Equal(t, http.StatusTeapot, response.StatusCode)
		}
	})
}

// A session that ended is told to the host that denies, wherever it was found out.
func TestADenialKnowsHowTheSessionEnded(t *testing.T) {
	for _, guarded := range []bool{false, true} {
		var told *loginstage.AccessError
		stage, browser := open(t, loginstage.Config{Deny: func(w http.ResponseWriter, _ *http.Request, denied *loginstage.AccessError) {
			told = denied
			w.WriteHeader(http.StatusUnauthorized)
		}})
		signIn(t, browser, "ada")
		_, err := stage.RevokeUser(t.Context(), "ada", "admin")
		require.NoError(t, err)
		handler := stage.Require(http.NotFoundHandler())
		if guarded {
			handler = stage.Guard(handler)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(&http.Cookie{Name: cookie, Value: browser.Cookie(cookie)})
		handler.ServeHTTP(httptest.NewRecorder(), r)
		require.NotNil(t, told)
		assert.Equal(t, loginstage.DenialSignIn, told.Denial)
		assert.Equal(t, session.CauseRevoked, told.Ending.Cause)
		assert.Equal(t, "admin", told.Ending.Actor)
		assert.Equal(t, "ada", told.Session.User)
		assert.ErrorContains(t, told, "revoked")
	}
}

// An address that cannot be known is a 503 for a bound session, and nothing to an
// unbound one.
func TestCheckFromAnUnknownAddress(t *testing.T) {
	for _, bound := range []bool{false, true} {
		config := loginstage.Config{}
		if bound {
			config.NetworkBinding = binding.NetworkASN
		}
		_, browser := open(t, config)
		signIn(t, browser, "ada")
		browser.MoveTo(netip.Addr{})
		if response := browser.Get("/private/"); bound {
			unavailable(t, response)
		} else {
			assert.Equal(t, "ada", response.Text)
		}
	}
}

// An AccessError of the host's own can answer too.
func TestADenialOfTheHosts(t *testing.T) {
	for _, test := range []struct {
		denied *loginstage.AccessError
		status int
	}{
		{&loginstage.AccessError{}, http.StatusUnauthorized},
		{&loginstage.AccessError{Denial: loginstage.DenialBroken}, http.StatusUnauthorized},
		{&loginstage.AccessError{Denial: loginstage.DenialUnavailable, Err: errOut}, http.StatusServiceUnavailable},
	} {
		w := httptest.NewRecorder()
		test.denied.Respond(w, httptest.NewRequest("GET", "/", nil))
		assert.Equal(t, test.status, w.Code)
		assert.NotEmpty(t, test.denied.Error())
	}
}
