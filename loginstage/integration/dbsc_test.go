package integration

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/integration/internal/engine"
	"github.com/mooring-go/mooring/session/devicekey"
)

const (
	dbscRegisterURL = "POST /mooring/dbsc/register"
	dbscRefreshURL  = "POST /mooring/dbsc/refresh"
)

// openBound starts a Chromium with device-bound sessions.
func openBound(t *testing.T, s *site, profile string) *visitor {
	t.Helper()
	return open(t, engine.Chromium{}, engine.Settings{SPKI: s.spki, DBSC: true, Profile: profile})
}

// refreshes returns how many proofs were taken.
func (v visits) refreshes() int { return v.count(dbscRefreshURL, http.StatusOK) }

// refused returns how many requests of the browser's would have it drop its key.
func (v visits) refused() int {
	n := 0
	for _, one := range v {
		if (one.what == dbscRefreshURL || one.what == dbscRegisterURL) && one.status != http.StatusOK && one.status != http.StatusForbidden && one.status < 500 {
			n++
		}
	}
	return n
}

func TestDBSC(t *testing.T) {
	t.Parallel()
	first := openSite(t)
	shared := openBound(t, first, "")
	// Each test has a site of its own, of the same certificate.
	test := func(name string, run func(*testing.T, *site, *visitor)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, openSite(t), &visitor{t, t.Context(), shared.browser})
		})
	}

	test("a session is bound at its sign-in, once", func(t *testing.T, s *site, v *visitor) {
		tab := v.signIn(s, "dbsc")
		time.Sleep(2 * time.Second) // longer than the script waits
		tab.visit("/plain")
		tab.visit("/")
		visits := s.visits()
		assert.Equal(t, 1, visits.count(dbscRegisterURL, http.StatusOK), visits)
		assert.Zero(t, visits.count(registerURL, http.StatusOK), visits)
		assert.Zero(t, visits.count(dbscRefreshURL, http.StatusOK), visits)
		assert.Zero(t, visits.refused(), visits)
		bound := slices.DeleteFunc(s.told(loginstage.ActionDeviceBound), func(e loginstage.Event) bool { return e.Session != s.session().ID })
		assert.Len(t, bound, 1)
	})

	test("a navigation is held until the key is proved", func(t *testing.T, s *site, v *visitor) {
		tab := v.signIn(s, "dbsc")
		tab.deleteCookie(boundCookie)
		s.visits()
		tab.visit("/plain")
		tab.sees("plain")
		visits := s.visits()
		assert.Equal(t, 1, visits.refreshes(), visits)
		assert.Equal(t, 1, visits.count("GET /plain", http.StatusOK), visits)
		assert.Zero(t, visits.count("GET /plain", http.StatusUnauthorized), visits)
		t.Logf("from the refresh to the page: %v", visits[len(visits)-1].at.Sub(visits[0].at))
	})

	test("20 fetches share a refresh", func(t *testing.T, s *site, v *visitor) {
		tab := v.signIn(s, "dbsc")
		tab.deleteCookie(boundCookie)
		s.visits()
		assert.JSONEq(t, `20`, tab.value(`Promise.all(Array.from({length: 20}, () => fetch("/echo"))).then((all) => all.filter((r) => r.ok).length)`))
		visits := s.visits()
		assert.Equal(t, 1, visits.refreshes(), visits)
		assert.Equal(t, 20, visits.count("GET /echo", http.StatusOK), visits)
	})

	test("a body is not lost", func(t *testing.T, s *site, v *visitor) {
		tab := v.signIn(s, "dbsc")
		tab.deleteCookie(boundCookie)
		tab.run(`document.getElementById("plain").requestSubmit()`)
		tab.sees("form")
		assert.JSONEq(t, `"[é & 2 3] 0"`, tab.value(`document.querySelector("p").textContent`))
		tab.visit("/")
		s.moveTo(bindingtest.Paris)
		tab.run(`document.querySelector("textarea").value = "x".repeat(100000); document.getElementById("file").requestSubmit()`)
		tab.sees("form")
		assert.JSONEq(t, `"[] 100000"`, tab.value(`document.querySelector("p").textContent`))
		tab.visit("/")
		s.moveTo(bindingtest.Tokyo)
		assert.JSONEq(t, `{"method":"POST","length":70000}`,
			tab.value(`fetch("/echo", {method: "POST", body: "x".repeat(70000)}).then((r) => r.json())`))
		assert.Len(t, s.told(loginstage.ActionProved), 2)
		assert.Empty(t, s.told(loginstage.ActionUnproved))
		assert.Zero(t, s.visits().refused())
	})

	test("a page goes on by itself after a move", func(t *testing.T, s *site, v *visitor) {
		tab := v.signIn(s, "dbsc")
		s.moveTo(bindingtest.Paris)
		s.visits()
		tab.visit("/plain")
		tab.sees("plain")
		visits := s.visits()
		assert.Equal(t, 1, visits.count("GET /plain", http.StatusTemporaryRedirect), visits)
		assert.Equal(t, 1, visits.refreshes(), visits)
		t.Logf("from being asked to the page: %v", visits.took("GET /plain"))
		tab.visit("/plain")
		assert.Zero(t, s.visits().refreshes(), "a move that was proved is not asked for again")
		assert.Len(t, s.told(loginstage.ActionProved), 1)
	})

	test("a link of another site leads to the page", func(t *testing.T, s *site, v *visitor) {
		other := openSite(t)
		tab := v.signIn(s, "dbsc")
		enter := func() {
			require.NoError(t, tab.Go(t.Context(), other.url+"/elsewhere?to="+s.url+"/plain"))
			tab.sees("elsewhere")
			tab.run(`document.getElementById("link").click()`)
			tab.sees("plain")
		}
		tab.deleteCookie(boundCookie)
		enter()
		s.moveTo(bindingtest.Paris)
		enter()
		assert.Empty(t, s.told(loginstage.ActionUnproved))
		assert.Len(t, s.told(loginstage.ActionProved), 1)
		assert.Zero(t, s.visits().refused())
	})

	test("a refresh that fails loses no key", func(t *testing.T, s *site, v *visitor) {
		tab := v.signIn(s, "dbsc")
		tab.deleteCookie(boundCookie)
		s.failing.Store(1)
		s.visits()
		tab.visit("/plain")
		tab.visit("/plain")
		tab.sees("plain")
		assert.Equal(t, devicekey.DBSC, s.session().Drift.Key.Kind)
	})

	test("nothing refreshes after the sign-out", func(t *testing.T, s *site, v *visitor) {
		tab := v.signIn(s, "dbsc")
		tab.run(`document.getElementById("logout").submit()`)
		tab.sees("sign in")
		assert.NotContains(t, tab.cookies(), boundCookie)
		tab.visit("/login") // tells the browser that its session is over
		s.visits()
		tab.visit("/login")
		visits := s.visits()
		assert.Zero(t, visits.count(dbscRefreshURL, http.StatusBadRequest), visits)
		tab.signIn("dbsc")
		tab.deleteCookie(boundCookie)
		s.visits()
		tab.visit("/plain")
		tab.sees("plain")
		visits = s.visits()
		assert.Equal(t, 1, visits.refreshes(), visits)
		assert.Zero(t, visits.refused(), visits)
	})

	test("a session that was ended elsewhere leads to the sign-in", func(t *testing.T, s *site, v *visitor) {
		tab := v.signIn(s, "dbsc")
		_, err := s.login.RevokeUser(t.Context(), "ada", "admin")
		require.NoError(t, err)
		tab.deleteCookie(boundCookie)
		tab.visit("/plain")
		tab.sees("sign in")
		s.visits()
		tab.visit("/plain")
		tab.sees("sign in")
		visits := s.visits()
		assert.Zero(t, visits.refused(), visits)
		tab.signIn("dbsc")
	})

	test("secrets are rotated and no key is lost", func(t *testing.T, s *site, v *visitor) {
		tab := v.signIn(s, "dbsc")
		s.rotateSecrets()
		tab.deleteCookie(boundCookie)
		tab.visit("/plain")
		tab.sees("plain")
		tab.deleteCookie(boundCookie)
		s.visits()
		tab.visit("/plain")
		tab.sees("plain")
		visits := s.visits()
		assert.Equal(t, 1, visits.refreshes(), visits)
	})

	test("a thief with both cookies gets nothing", func(t *testing.T, s *site, v *visitor) {
		tab := v.signIn(s, "dbsc")
		stolen := tab.cookies()
		require.Contains(t, stolen, sessionCookie)
		require.Contains(t, stolen, boundCookie)

		thief := openBound(t, s, "").open(s, "/elsewhere")
		thief.setCookies(stolen)
		s.visits()
		s.moveTo(bindingtest.Paris)
		thief.visit("/plain")
		thief.sees("sign in")
		visits := s.visits()
		assert.Zero(t, visits.count("GET /plain", http.StatusOK), visits)
		assert.LessOrEqual(t, len(visits), 8, visits)
		assert.Len(t, s.told(loginstage.ActionUnproved), 1)

		// In the user's own network, once what was stolen is over.
		s.moveTo(bindingtest.Berlin)
		delete(stolen, boundCookie)
		thief.setCookies(stolen)
		thief.visit("/plain")
		thief.sees("sign in")

		s.visits()
		tab.visit("/plain")
		tab.sees("plain")
		assert.Zero(t, s.visits().refreshes(), "the user notices nothing")
	})
}

func TestDBSCLastsLongerThanTheBrowser(t *testing.T) {
	t.Parallel()
	s, profile := openSite(t), t.TempDir()
	v := openBound(t, s, profile)
	v.signIn(s, "dbsc")
	require.NoError(t, v.browser.Close())
	s.moveTo(bindingtest.Paris)
	v = openBound(t, s, profile)
	tab := v.open(s, "/plain")
	tab.sees("plain")
	assert.Len(t, s.told(loginstage.ActionProved), 1)
	assert.Zero(t, s.visits().refused())
}
