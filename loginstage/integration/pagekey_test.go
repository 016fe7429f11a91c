package integration

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/integration/internal/engine"
)

const (
	sessionCookie = "__Host-mooring"
	boundCookie   = "__Host-mooring_bound"
	stateURL      = "GET /mooring/page/state"
	registerURL   = "POST /mooring/page/register"
	proveURL      = "POST /mooring/page/prove"
)

// inEachEngine runs the tests in one browser of each engine, which has no
// device-bound sessions of its own.
func inEachEngine(t *testing.T, tests map[string]func(*testing.T, *visitor)) {
	for _, e := range engine.All() {
		t.Run(e.Name(), func(t *testing.T) {
			t.Parallel()
			// A page by itself is not trusted: the certificate of every site is the same.
			first := openSite(t)
			v := open(t, e, engine.Settings{SPKI: first.spki})
			for name, test := range tests {
				t.Run(name, func(t *testing.T) {
					if e == (engine.Chromium{}) { // whose tabs are independent, and wait for a registration of its own
						t.Parallel()
					}
					test(t, &visitor{t, t.Context(), v.browser})
				})
			}
		})
	}
}

func TestPageKey(t *testing.T) {
	inEachEngine(t, map[string]func(*testing.T, *visitor){
		"a session is bound at its sign-in, once": func(t *testing.T, v *visitor) {
			s := openSite(t)
			tab := v.signIn(s, "page")
			tab.visit("/")
			tab.eventually(stateIsKnown)
			visits := s.visits()
			assert.Equal(t, 1, visits.count(registerURL, http.StatusOK), visits)
			assert.Zero(t, visits.count(proveURL, http.StatusOK), visits)
			assert.Len(t, s.told(loginstage.ActionDeviceBound), 1)
			assert.JSONEq(t, `"false"`, tab.value(extractable))
		},

		"a page goes on by itself after a move": func(t *testing.T, v *visitor) {
			s := openSite(t)
			tab := v.signIn(s, "page")
			s.moveTo(bindingtest.Paris)
			s.visits()
			tab.visit("/plain?q=1#end")
			tab.sees("plain")
			visits := s.visits()
			assert.Equal(t, 1, visits.count("GET /plain", http.StatusUnauthorized), visits)
			assert.Equal(t, 1, visits.count(proveURL, http.StatusOK), visits)
			assert.Equal(t, 1, visits.count("GET /plain", http.StatusOK), visits)
			t.Logf("from being asked to the page: %v", visits.took("GET /plain"))
			assert.JSONEq(t, `"?q=1#end"`, tab.value(`location.search + location.hash`))

			tab.visit("/plain")
			tab.visit("/")
			assert.Zero(t, s.visits().count(proveURL, http.StatusOK), "a move that was proved is not asked for again")
			assert.Len(t, s.told(loginstage.ActionProved), 1)
			assert.Empty(t, s.told(loginstage.ActionUnproved))
			assert.Equal(t, bindingtest.Berlin, s.session().Anchor.IP)
		},

		"fetch repeats a request with its body": func(t *testing.T, v *visitor) {
			s := openSite(t)
			tab := v.signIn(s, "page")
			s.moveTo(bindingtest.Paris)
			s.visits()
			assert.JSONEq(t, `{"method":"POST","length":70000}`,
				tab.value(`fetch("/echo", {method: "POST", body: "x".repeat(70000)}).then((r) => r.json())`))
			visits := s.visits()
			assert.Equal(t, 1, visits.count("POST /echo", http.StatusUnauthorized), visits)
			s.moveTo(bindingtest.Tokyo)
			assert.JSONEq(t, `{"method":"PUT","length":3}`,
				tab.value(`fetch(new Request("/echo", {method: "PUT", body: new Blob(["abc"])})).then((r) => r.json())`))
		},

		"fetches at once share a proof": func(t *testing.T, v *visitor) {
			s := openSite(t)
			tab := v.signIn(s, "page")
			s.moveTo(bindingtest.Paris)
			s.visits()
			assert.JSONEq(t, `20`, tab.value(`Promise.all(Array.from({length: 20}, () => fetch("/echo"))).then((all) => all.filter((r) => r.ok).length)`))
			visits := s.visits()
			assert.LessOrEqual(t, visits.count(proveURL, http.StatusOK), 4, visits) // browsers have 6 connections
			assert.Len(t, s.told(loginstage.ActionProved), 1)
		},

		"a form is sent once more": func(t *testing.T, v *visitor) {
			s := openSite(t)
			tab := v.signIn(s, "page")
			s.moveTo(bindingtest.Paris)
			s.visits()
			tab.run(`document.getElementById("plain").requestSubmit()`)
			tab.sees("form")
			assert.JSONEq(t, `"[é & 2 3] 0"`, tab.value(`document.querySelector("p").textContent`))
			visits := s.visits()
			assert.Equal(t, 1, visits.count("POST /form", http.StatusOK), visits)
		},

		"a form with a file proves before it is sent": func(t *testing.T, v *visitor) {
			s := openSite(t)
			tab := v.signIn(s, "page")
			s.moveTo(bindingtest.Paris)
			s.visits()
			tab.run(`document.querySelector("textarea").value = "x".repeat(100000); document.getElementById("file").requestSubmit()`)
			tab.sees("form")
			assert.JSONEq(t, `"[] 100000"`, tab.value(`document.querySelector("p").textContent`))
			visits := s.visits()
			assert.Zero(t, visits.count("POST /form", http.StatusUnauthorized), visits)
		},

		"a pass that is over is proved again": func(t *testing.T, v *visitor) {
			s := openSite(t)
			tab := v.signIn(s, "page")
			tab.deleteCookie(boundCookie)
			tab.visit("/plain")
			tab.sees("plain")
			assert.Contains(t, tab.cookies(), boundCookie)
			tab.visit("/")
			tab.deleteCookie(boundCookie)
			tab.value(`fetch("/echo").then((r) => r.json())`)
		},

		"a page that is looked at proves in time": func(t *testing.T, v *visitor) {
			s := openSite(t, func(c *loginstage.Config) { c.ProveEvery = duration.MustParse("minutes=1") })
			tab := v.signIn(s, "page")
			tab.visit("/")
			tab.eventually(stateIsKnown)
			s.visits()
			tab.value(`(() => {
				const later = performance.now.bind(performance), soon = setTimeout.bind(window);
				performance.now = () => later() + 60000;
				window.setTimeout = (f, ms) => soon(f, ms > 40000 ? ms / 100 : ms); // and not that of a driver
			})()`)
			tab.deleteCookie(boundCookie)
			tab.value(`fetch("/echo", {method: "POST", body: "x"}).then((r) => r.json())`)
			visits := s.visits()
			assert.Zero(t, visits.count("POST /echo", http.StatusUnauthorized), "the script proves before it sends: %v", visits)
			require.Eventually(t, func() bool { return s.asked(proveURL) > 0 }, patience, 10*time.Millisecond, "and by itself later")
		},

		"a form waits for a proof that is over": func(t *testing.T, v *visitor) {
			s := openSite(t)
			tab := v.signIn(s, "page")
			tab.visit("/")
			tab.eventually(stateIsKnown)
			tab.deleteCookie(boundCookie)
			s.visits()
			tab.value(`(() => { const later = performance.now.bind(performance); performance.now = () => later() + 600000; })()`)
			tab.run(`document.getElementById("plain").requestSubmit(); document.getElementById("plain").requestSubmit()`)
			tab.sees("form")
			visits := s.visits()
			assert.Equal(t, 1, visits.count("POST /form", http.StatusOK), visits)
			assert.Zero(t, visits.count("POST /form", http.StatusUnauthorized), visits)
		},

		"a frame proves too": func(t *testing.T, v *visitor) {
			s := openSite(t)
			tab := v.signIn(s, "page")
			tab.visit("/frame")
			s.moveTo(bindingtest.Paris)
			tab.run(`frames[0].location.reload()`)
			tab.eventually(`performance.now() > 0 && frames[0].document.title === "plain"`)
			require.Eventually(t, func() bool { return len(s.told(loginstage.ActionProved)) == 1 }, patience, 5*time.Millisecond)
		},

		"two tabs register one key and prove at once": func(t *testing.T, v *visitor) {
			s := openSite(t)
			one := v.open(s, "/login")
			one.run(`document.forms[0].submit()`)
			two := v.open(s, "/")
			one.sees("home")
			require.Eventually(t, func() bool { return s.session().Drift.Key.Kind == "page" }, patience, 5*time.Millisecond)
			s.moveTo(bindingtest.Paris)
			one.run(`location = "/plain?1"`)
			two.run(`location = "/plain?2"`)
			one.sees("plain")
			two.sees("plain")
			assert.Len(t, s.told(loginstage.ActionDeviceBound), 1)
			assert.Len(t, s.told(loginstage.ActionProved), 1)
		},

		"a lost key leads to the sign-in, without a loop": func(t *testing.T, v *visitor) {
			s := openSite(t)
			tab := v.signIn(s, "page")
			before := s.session()
			tab.value(clearStorage)
			s.moveTo(bindingtest.Paris)
			s.visits()
			tab.visit("/plain")
			tab.sees("sign in")
			visits := s.visits()
			assert.LessOrEqual(t, len(visits), 8, visits)
			assert.Equal(t, before.ID, s.session().ID, "the session is not ended by a proof that fails")
			assert.Len(t, s.told(loginstage.ActionUnproved), 1)

			tab.signIn("page")
			tab.visit("/plain")
			tab.sees("plain")
			assert.NotEqual(t, before.Drift.Key, s.newest().Drift.Key)
		},

		"proofs that do not arrive lead to the sign-in, without a loop": func(t *testing.T, v *visitor) {
			s := openSite(t)
			tab := v.signIn(s, "page")
			tab.deleteCookie(boundCookie)
			s.passes.Store(false)
			s.visits()
			tab.visit("/plain")
			tab.sees("sign in")
			visits := s.visits()
			assert.LessOrEqual(t, visits.count("GET /plain", http.StatusUnauthorized), 11, visits)
		},

		"a link of another site leads to the page": func(t *testing.T, v *visitor) {
			s, other := openSite(t), openSite(t)
			tab := v.signIn(s, "page")
			s.moveTo(bindingtest.Paris)
			require.NoError(t, tab.Go(t.Context(), other.url+"/elsewhere?to="+s.url+"/plain"))
			tab.run(`document.getElementById("link").click()`)
			tab.sees("plain")
			assert.Len(t, s.told(loginstage.ActionProved), 1)
		},

		"a thief with all cookies gets nothing": func(t *testing.T, v *visitor) {
			s := openSite(t)
			tab := v.signIn(s, "page")
			stolen := tab.cookies()
			for _, from := range []string{bindingtest.Paris.String(), bindingtest.NewYork.String()} {
				status, _ := s.steal(stolen, from)
				assert.Equal(t, http.StatusUnauthorized, status)
			}
			delete(stolen, boundCookie)
			status, page := s.steal(stolen, bindingtest.Berlin.String())
			assert.Equal(t, http.StatusUnauthorized, status, "from the same network too")
			assert.Contains(t, page, "noscript", "without JavaScript there is a way to sign in")

			tab.visit("/plain")
			tab.sees("plain")
			assert.Zero(t, s.visits().count(proveURL, http.StatusOK), "the user notices nothing")
		},

		"secrets are rotated and no key is lost": func(t *testing.T, v *visitor) {
			s := openSite(t)
			tab := v.signIn(s, "page")
			s.rotateSecrets()
			s.moveTo(bindingtest.Paris)
			tab.visit("/plain")
			tab.sees("plain")
		},

		"a server that fails is waited for": func(t *testing.T, v *visitor) {
			s := openSite(t)
			tab := v.signIn(s, "page")
			s.moveTo(bindingtest.Paris)
			s.failing.Store(1)
			tab.visit("/plain")
			tab.sees("plain")
		},

		"a session that has ended leads to the sign-in": func(t *testing.T, v *visitor) {
			s := openSite(t)
			tab := v.signIn(s, "page")
			_, err := s.login.RevokeUser(t.Context(), "ada", "admin")
			require.NoError(t, err)
			tab.visit("/plain")
			tab.sees("sign in")
			tab.signIn("page")
		},
	})
}

// stateIsKnown is true once the script knows what the server says of the session.
const stateIsKnown = `performance.getEntriesByType("resource").some((e) => e.name.endsWith("/page/state") && e.responseEnd > 0)`

// extractable says whether the private half of a key can leave the browser.
const extractable = `new Promise((resolve, reject) => {
	const open = indexedDB.open("mooring", 1);
	open.onerror = () => reject(open.error);
	open.onsuccess = () => {
		const all = open.result.transaction("keys").objectStore("keys").getAll();
		all.onsuccess = () => {
			open.result.close();
			const key = all.result.at(-1).pair.privateKey;
			crypto.subtle.exportKey("jwk", key).then(() => resolve("true"), () => resolve(String(key.extractable)));
		};
	};
})`

const clearStorage = `new Promise((resolve) => {
	const gone = indexedDB.deleteDatabase("mooring");
	gone.onsuccess = gone.onerror = gone.onblocked = () => resolve(true);
})`

func TestPageKeyInAPrivateWindow(t *testing.T) {
	for _, e := range engine.All() {
		t.Run(e.Name(), func(t *testing.T) {
			t.Parallel()
			s := openSite(t)
			v := open(t, e, engine.Settings{SPKI: s.spki, Private: true})
			tab := v.signIn(s, "page")
			s.moveTo(bindingtest.Paris)
			tab.visit("/plain")
			tab.sees("plain")
		})
	}
}

func TestPageKeyLastsLongerThanTheBrowser(t *testing.T) {
	for _, e := range []engine.Engine{engine.Chromium{}, engine.Firefox{}} {
		t.Run(e.Name(), func(t *testing.T) {
			t.Parallel()
			s, profile := openSite(t), t.TempDir()
			v := open(t, e, engine.Settings{SPKI: s.spki, Profile: profile})
			v.signIn(s, "page")
			require.NoError(t, v.browser.Close())
			s.moveTo(bindingtest.Paris)
			v = open(t, e, engine.Settings{SPKI: s.spki, Profile: profile})
			v.open(s, "/plain").sees("plain")
			assert.Len(t, s.told(loginstage.ActionProved), 1)
		})
	}
}

// steal asks for a page with the cookies from an address, as no browser, and returns
// what it is answered.
func (s *site) steal(cookies map[string]string, from string) (status int, page string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.url+"/plain", nil)
	require.NoError(s.t, err)
	var all []string
	for name, value := range cookies {
		all = append(all, name+"="+value)
	}
	slices.Sort(all)
	r.Header.Set("Cookie", strings.Join(all, "; "))
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Test-From", from)
	response, err := s.client().Do(r)
	require.NoError(s.t, err)
	defer response.Body.Close()
	return response.StatusCode, body(s.t, response)
}

// took returns the time from the first request of a kind to the last.
func (v visits) took(what string) time.Duration {
	var first, last time.Time
	for _, one := range v {
		if one.what != what {
			continue
		}
		if first.IsZero() {
			first = one.at
		}
		last = one.at
	}
	return last.Sub(first)
}
