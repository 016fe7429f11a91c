package loginstage_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
)

var browserKinds = []devicekey.Kind{devicekey.DBSC, devicekey.Page}

// proven asks for a proof by time and by place.
func proven() loginstage.Config {
	return loginstage.Config{
		SessionDuration: duration.MustParse("hours=12"), Preset: binding.PresetProven,
		DeviceKey: loginstage.DeviceKeyOffer, ProveEvery: duration.MustParse("minutes=5"), LoginURL: "/login",
	}
}

// keyed returns a traveller whose browser has keys of the kind, with ada signed in.
func keyed(t *testing.T, kind devicekey.Kind, config loginstage.Config) *traveller {
	t.Helper()
	v := newKeyed(t, kind, config)
	v.signIn()
	return v
}

func newKeyed(t *testing.T, kind devicekey.Kind, config loginstage.Config) *traveller {
	t.Helper()
	v := newTraveller(t, loginstagetest.New(t, config))
	v.DeviceKey = kind
	return v
}

// eachKind runs the test for each kind of key of a browser, in a bubble.
func eachKind(t *testing.T, test func(t *testing.T, kind devicekey.Kind)) {
	for _, kind := range browserKinds {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, kind) })
		})
	}
}

func TestASignInBindsTheDevicesKey(t *testing.T) {
	eachKind(t, func(t *testing.T, kind devicekey.Kind) {
		v := keyed(t, kind, proven())
		key := v.stored().Drift.Key
		assert.Equal(t, kind, key.Kind, "where you are signed in shows it")
		bound := v.told(loginstage.ActionDeviceBound)
		require.Len(t, bound, 1)
		assert.Equal(t, loginstage.CauseKeyBound, bound[0].Cause)
		assert.Equal(t, &loginstage.DeviceKeyInfo{Kind: kind, Thumbprint: key.Thumbprint()}, bound[0].Context.DeviceKey)
		assert.Empty(t, v.Cookie("__Host-mooring_offer"), "it is offered once")

		for range 20 {
			assert.Equal(t, passes, v.Get("/private").StatusCode)
			time.Sleep(4 * time.Minute)
			assert.Equal(t, passes, v.Call("POST", "/private", "a body").StatusCode)
		}
		assert.Equal(t, key, v.stored().Drift.Key)
		assert.Empty(t, v.told(loginstage.ActionUnproved), "the user noticed nothing, and nobody is told")
	})
}

// A thief with all cookies, in the same network, gets nothing.
func TestAThiefWithTheCookieGetsNothing(t *testing.T) {
	eachKind(t, func(t *testing.T, kind devicekey.Kind) {
		v := keyed(t, kind, proven())
		thief := v.Clone()
		time.Sleep(5 * time.Minute) // at the most
		for _, path := range []string{"/private", "/open"} {
			assert.NotEqual(t, passes, thief.Get(path).StatusCode, path)
			assert.Equal(t, denied, thief.Call("GET", "/private", nil).StatusCode, path)
		}
		assert.Equal(t, passes, v.Get("/private").StatusCode, "the user goes on")
		time.Sleep(time.Minute)
		assert.Empty(t, v.told(loginstage.ActionLogout), "an unproved try ends nothing")
	})
}

func TestTheTokenAloneIsWorthNothingAtOnce(t *testing.T) {
	eachKind(t, func(t *testing.T, kind devicekey.Kind) {
		v := keyed(t, kind, proven())
		thief := loginstagetest.NewBrowser(t, v.handler)
		thief.SetCookie(&http.Cookie{Name: "__Host-mooring", Value: v.Cookie("__Host-mooring"), Path: "/", Secure: true})
		assert.NotEqual(t, passes, thief.Get("/private").StatusCode)
		time.Sleep(time.Minute)
		told := v.told(loginstage.ActionUnproved)
		require.NotEmpty(t, told, "it is told, though the thief tried once")
		assert.Equal(t, loginstage.CauseNoProof, told[0].Cause)
		assert.Equal(t, bindingtest.Berlin, told[0].ClientIP)
		assert.Equal(t, v.stored().ID, told[0].Session)
	})
}

// A clone of the whole profile proves as the user does: what is stored in clear is not
// protected.
func TestACopiedProfileProves(t *testing.T) {
	eachKind(t, func(t *testing.T, kind devicekey.Kind) {
		v := keyed(t, kind, proven())
		thief := v.CloneWithKeys()
		time.Sleep(6 * time.Minute)
		assert.Equal(t, passes, thief.Get("/private").StatusCode)
		assert.Equal(t, passes, v.Get("/private").StatusCode)
	})
}

// From another country the device proves its key and the user goes on.
func TestABrokenBindingAsksTheDevice(t *testing.T) {
	eachKind(t, func(t *testing.T, kind devicekey.Kind) {
		v := keyed(t, kind, proven())
		v.MoveTo(bindingtest.Paris)
		assert.Equal(t, passes, v.Get("/private").StatusCode)
		proved := v.told(loginstage.ActionProved)
		require.Len(t, proved, 1)
		assert.Equal(t, session.CauseBroken, proved[0].Cause)
		require.NotNil(t, proved[0].Context.Binding)
		assert.Equal(t, bindingtest.Paris, proved[0].ClientIP)
		assert.Equal(t, bindingtest.Berlin, v.stored().Anchor.IP, "the anchor stays")

		for range 3 {
			assert.Equal(t, passes, v.visit(bindingtest.Berlin))
			assert.Equal(t, passes, v.visit(bindingtest.Paris), "what was proved is not asked again")
		}
		time.Sleep(time.Minute)
		assert.Len(t, v.told(loginstage.ActionProved), 1)
		assert.Empty(t, v.told(loginstage.ActionUnproved))
		assert.Empty(t, v.told(loginstage.ActionLogout))
	})
}

func TestAThiefAbroadGetsNothingAndEndsNothing(t *testing.T) {
	eachKind(t, func(t *testing.T, kind devicekey.Kind) {
		v := keyed(t, kind, proven())
		thief := v.Clone()
		thief.MoveTo(bindingtest.Tokyo)
		for range 5 { // with a pass that still holds
			assert.NotEqual(t, passes, thief.Get("/private").StatusCode)
			assert.Equal(t, denied, thief.Call("POST", "/private", "x").StatusCode)
		}
		assert.Equal(t, bindingtest.Berlin, v.stored().IP, "its address is not where the session was last seen")
		assert.Equal(t, passes, v.Get("/private").StatusCode)
		time.Sleep(time.Minute)
		told := slices.DeleteFunc(v.told(loginstage.ActionUnproved), func(e loginstage.Event) bool { return e.Cause == loginstage.CauseNoProof })
		require.Len(t, told, 1, "once for the move")
		assert.Equal(t, session.CauseBroken, told[0].Cause)
		assert.Equal(t, bindingtest.Tokyo, told[0].ClientIP)
		require.NotNil(t, told[0].Context.Binding)
		assert.Empty(t, v.told(loginstage.ActionLogout))
	})
}

// A proof from one place that is not in the databases does not count for another.
func TestAProofIsForOneUnknownPlace(t *testing.T) {
	eachKind(t, func(t *testing.T, kind devicekey.Kind) {
		v := keyed(t, kind, proven())
		unknown, other := netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("203.0.113.200")
		assert.Equal(t, passes, v.visit(unknown))
		thief := v.Clone()
		thief.MoveTo(other)
		assert.NotEqual(t, passes, thief.Get("/private").StatusCode)
		assert.Equal(t, passes, v.visit(unknown))
	})
}

// A form that is sent when the last proof is over arrives with its fields.
func TestAFormIsNotLost(t *testing.T) {
	eachKind(t, func(t *testing.T, kind devicekey.Kind) {
		stage := loginstagetest.New(t, proven())
		var got url.Values
		mux := http.NewServeMux()
		mux.Handle("/mooring/", stage.DeviceKeys())
		mux.HandleFunc("POST /begin", func(w http.ResponseWriter, r *http.Request) {
			_, err := stage.Begin(w, r, loginstage.User{ID: "ada"})
			assert.NoError(t, err)
		})
		mux.HandleFunc("POST /order", func(_ http.ResponseWriter, r *http.Request) {
			assert.NoError(t, r.ParseForm())
			got = r.PostForm
		})
		// As the host would mount them: the guard around everything.
		browser := loginstagetest.NewBrowser(t, stage.Guard(mux))
		browser.DeviceKey = kind
		require.Equal(t, passes, browser.PostForm("/begin", nil).StatusCode)
		time.Sleep(time.Hour)
		form := url.Values{"a": {`1"&<>`, "2"}, "ü b": {""}}
		require.Equal(t, passes, browser.PostForm("/order?x=1", form).StatusCode)
		assert.Equal(t, form, got)
	})
}

// A form of another origin is not made one of this origin: a CSRF check behind the guard
// would let it pass.
func TestAForgedFormStaysForged(t *testing.T) {
	eachKind(t, func(t *testing.T, kind devicekey.Kind) {
		for _, site := range []string{"cross-site", "same-site"} {
			v := keyed(t, kind, proven())
			time.Sleep(time.Hour)
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/private", strings.NewReader("to=mallory"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", "https://evil.example.com")
			r.Header.Set("Sec-Fetch-Mode", "navigate")
			r.Header.Set("Sec-Fetch-Site", site)
			v.DeviceKey = "" // what the answer is, and not what comes of it
			response := v.Do(r)
			assert.NotEqual(t, passes, response.StatusCode)
			assert.NotContains(t, response.Text, "mallory", site)
			assert.NotContains(t, response.Text, "<script", site)
		}
	})
}

// A form with files is sent again by the browser itself.
func TestAnUploadIsNotLost(t *testing.T) {
	eachKind(t, func(t *testing.T, kind devicekey.Kind) {
		v := keyed(t, kind, proven())
		time.Sleep(time.Hour)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/private", strings.NewReader("a file"))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		assert.Equal(t, passes, v.Do(r).StatusCode)
	})
}

// A user whose key is lost signs in again, behind a guard too, and is in no loop.
func TestALostKeyLeadsToTheSignIn(t *testing.T) {
	eachKind(t, func(t *testing.T, kind devicekey.Kind) {
		stage := loginstagetest.New(t, proven())
		mux := http.NewServeMux()
		mux.Handle("/mooring/", stage.DeviceKeys())
		mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("sign in")) })
		mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
			_, err := stage.Begin(w, r, loginstage.User{ID: "ada"})
			assert.NoError(t, err)
		})
		mux.Handle("/private", stage.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("private")) })))
		browser := loginstagetest.NewBrowser(t, stage.Guard(mux))
		browser.DeviceKey, browser.FollowRedirects = kind, true
		require.Equal(t, passes, browser.PostForm("/login", nil).StatusCode)
		require.Equal(t, "private", browser.Get("/private").Text)
		browser.LoseKeys()
		time.Sleep(time.Hour)
		if kind == devicekey.Page {
			assert.Equal(t, denied, browser.Get("/private").StatusCode, "the page that gives up")
		}
		assert.Equal(t, "sign in", browser.Get("/private").Text)
		require.Equal(t, passes, browser.PostForm("/login", nil).StatusCode)
		assert.Equal(t, "private", browser.Get("/private").Text)
		time.Sleep(time.Hour)
		assert.Equal(t, "private", browser.Get("/private").Text, "with a new key")
	})
}

func TestManyRequestsProveOnce(t *testing.T) {
	eachKind(t, func(t *testing.T, kind devicekey.Kind) {
		v := keyed(t, kind, proven())
		v.MoveTo(bindingtest.Paris)
		time.Sleep(time.Hour)
		var requests sync.WaitGroup
		for range 20 {
			requests.Go(func() { assert.Equal(t, passes, v.Call("GET", "/private", nil).StatusCode) })
		}
		requests.Wait()
		assert.Len(t, v.told(loginstage.ActionProved), 1)
	})
}

func TestANavigationOfAnotherSitesProves(t *testing.T) {
	eachKind(t, func(t *testing.T, kind devicekey.Kind) {
		v := keyed(t, kind, proven())
		time.Sleep(time.Hour)
		response := v.Do(crossSite(t, "/private"))
		assert.Equal(t, passes, response.StatusCode)
	})
}

// crossSite returns a request for a page that another site's link leads to.
func crossSite(t *testing.T, path string) *http.Request {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	return r
}

func TestRestartOfTheBrowser(t *testing.T) {
	eachKind(t, func(t *testing.T, kind devicekey.Kind) {
		v := keyed(t, kind, proven())
		v.CloseWindow()
		time.Sleep(6 * time.Hour)
		assert.Equal(t, passes, v.Get("/private").StatusCode)
	})
}

// What confirms a session keeps its key; a session without one is offered to register
// one then.
func TestConfirmKeepsTheKey(t *testing.T) {
	eachKind(t, func(t *testing.T, kind devicekey.Kind) {
		v := keyed(t, kind, proven())
		before := v.stored()
		for range 3 {
			require.Equal(t, passes, v.PostForm("/confirm", nil).StatusCode)
			after := v.stored()
			assert.Equal(t, before.Drift.Key, after.Drift.Key)
			assert.Equal(t, before.ID, after.Lineage)
			assert.Equal(t, passes, v.Get("/private").StatusCode)
			time.Sleep(3 * time.Hour)
			assert.Equal(t, passes, v.Get("/private").StatusCode, "the key is found by what it was called first")
		}
		assert.Len(t, v.told(loginstage.ActionDeviceBound), 1)

		plain := keyed(t, "", proven())
		require.True(t, plain.stored().Drift.Key.IsZero())
		plain.DeviceKey = kind
		require.Equal(t, passes, plain.PostForm("/confirm", nil).StatusCode)
		assert.Equal(t, kind, plain.stored().Drift.Key.Kind)
	})
}

func TestSignOutLeavesNothing(t *testing.T) {
	eachKind(t, func(t *testing.T, kind devicekey.Kind) {
		stage := loginstagetest.New(t, proven())
		mux := http.NewServeMux()
		posts := 0
		keys := stage.DeviceKeys()
		mux.HandleFunc("/mooring/", func(w http.ResponseWriter, r *http.Request) {
			posts++
			keys.ServeHTTP(w, r)
		})
		mux.HandleFunc("POST /begin", func(w http.ResponseWriter, r *http.Request) {
			_, err := stage.Begin(w, r, loginstage.User{ID: "ada"})
			assert.NoError(t, err)
		})
		mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) { assert.NoError(t, stage.Logout(w, r)) })
		mux.HandleFunc("GET /home", func(http.ResponseWriter, *http.Request) {})
		browser := loginstagetest.NewBrowser(t, stage.Guard(mux))
		browser.DeviceKey = kind
		require.Equal(t, passes, browser.PostForm("/begin", nil).StatusCode)
		require.Equal(t, passes, browser.PostForm("/logout", nil).StatusCode)
		assert.Empty(t, browser.Cookie("__Host-mooring_bound"))
		posts = 0
		for range 5 {
			assert.Equal(t, passes, browser.Get("/home").StatusCode)
		}
		assert.LessOrEqual(t, posts, 1, "one refresh finds out that there is no such session")
	})
}

// A session of a browser without keys costs and changes nothing.
func TestASessionWithoutAKeyGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := keyed(t, "", proven())
		time.Sleep(10 * time.Hour)
		assert.Equal(t, passes, v.Get("/private").StatusCode)
		assert.Empty(t, v.told(loginstage.ActionDeviceBound))
	})
}

func TestDeviceKeyRequireRestrictsASessionWithoutOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := proven()
		config.DeviceKey, config.StepUpURL = loginstage.DeviceKeyRequire, "/step-up"
		v := keyed(t, "", config)
		assert.Equal(t, passes, v.Get("/private").StatusCode, "it has a minute")
		time.Sleep(time.Minute + time.Millisecond)
		response := v.Get("/private")
		assert.Equal(t, http.StatusSeeOther, response.StatusCode)
		assert.Equal(t, "/step-up?next=%2Fprivate", response.Header.Get("Location"))
		assert.Equal(t, passes, v.Get("/open").StatusCode)
		assert.Equal(t, loginstage.ReasonNoDeviceKey, v.current.Drift.Restricted)
		assert.Empty(t, v.stored().Drift.Restricted, "it is not recorded")

		v.DeviceKey = devicekey.Page
		require.Equal(t, passes, v.PostForm("/confirm", nil).StatusCode)
		assert.Equal(t, passes, v.Get("/private").StatusCode, "it has a key now")

		plain := keyed(t, "", config)
		time.Sleep(time.Hour)
		require.Equal(t, passes, plain.PostForm("/confirm", nil).StatusCode)
		assert.Equal(t, passes, plain.Get("/private").StatusCode, "a minute again")
		time.Sleep(time.Minute + time.Millisecond)
		assert.NotEqual(t, passes, plain.Get("/private").StatusCode)
	})
}

// A store that fails in any step destroys no key and lets nobody in.
func TestAStoreThatFailsDestroysNoKey(t *testing.T) {
	eachKind(t, func(t *testing.T, kind devicekey.Kind) {
		for _, stale := range []bool{false, true} {
			store := loginstagetest.NewStore(nil)
			config := proven()
			config.Store, config.DeviceSecrets = store, devicekey.RandomSecrets()
			v := keyed(t, kind, config)
			if stale {
				time.Sleep(time.Hour)
			}
			store.Fail(errors.New("out of order"))
			for range 10 {
				assert.Equal(t, http.StatusServiceUnavailable, v.Get("/private").StatusCode)
			}
			store.Repair()
			assert.Equal(t, passes, v.Get("/private").StatusCode, "stale: %t", stale)
			assert.Empty(t, v.told(loginstage.ActionLogout))
		}
	})
}

// Two processes of a host, one with a newer secret, prove each other's sessions.
func TestProcessesWithRotatedSecrets(t *testing.T) {
	eachKind(t, func(t *testing.T, kind devicekey.Kind) {
		older, newer := []byte("an older secret of 32 bytes or so"), []byte("a newer secret of 32 bytes or so.")
		store := loginstagetest.NewStore(nil)
		stageWith := func(newestFirst ...[]byte) *traveller {
			config := proven()
			config.Store = store
			var err error
			config.DeviceSecrets, err = devicekey.NewSecrets(newestFirst...)
			require.NoError(t, err)
			return newKeyed(t, kind, config)
		}
		processes := []*traveller{stageWith(older, newer), stageWith(newer, older)}
		turn := 0
		browser := loginstagetest.NewBrowser(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			turn++
			processes[turn%2].handler.ServeHTTP(w, r)
		}))
		browser.DeviceKey = kind
		require.Equal(t, passes, browser.PostForm("/begin", nil).StatusCode)
		for i := range 9 {
			time.Sleep(6 * time.Minute)
			turn += i
			assert.Equal(t, passes, browser.Get("/private").StatusCode, "turn %d", i)
		}
		assert.Equal(t, kind, processes[0].stored().Drift.Key.Kind)
	})
}

// Decide may ask for a proof, and for a session without a key what is done without one
// is done.
func TestDecideMayAskForAProof(t *testing.T) {
	eachKind(t, func(t *testing.T, kind devicekey.Kind) {
		config := loginstage.Config{
			GeoIPBinding: binding.GeoIPCountry, DeviceKey: loginstage.DeviceKeyOffer,
			Decide: func(_ context.Context, _ session.Session, _ binding.Decision) binding.Action { return binding.Prove },
		}
		v := keyed(t, kind, config)
		assert.Equal(t, passes, v.visit(bindingtest.Paris))
		assert.Len(t, v.told(loginstage.ActionProved), 1)

		plain := keyed(t, "", config)
		assert.Equal(t, denied, plain.visit(bindingtest.Paris))
		assert.Equal(t, binding.GeoIPCountryChanged, plain.ended())
	})
}

func TestDeviceKeyText(t *testing.T) {
	for i, name := range []string{"off", "offer", "require"} {
		var read loginstage.DeviceKey
		require.NoError(t, read.UnmarshalText([]byte(name)))
		assert.EqualValues(t, i, read)
		text, err := read.MarshalText()
		require.NoError(t, err)
		assert.Equal(t, name, string(text))
		assert.Equal(t, name, fmt.Sprint(read))
	}
	read := loginstage.DeviceKeyRequire
	assert.ErrorContains(t, read.UnmarshalText([]byte("always")), "want one of [off offer require]")
	assert.Equal(t, loginstage.DeviceKeyRequire, read)
	require.NoError(t, read.UnmarshalText(nil))
	assert.Equal(t, loginstage.DeviceKeyOff, read)
	_, err := loginstage.DeviceKey(9).MarshalText()
	assert.Error(t, err)
}

func TestMistakesAboutDeviceKeys(t *testing.T) {
	_, err := loginstage.New(loginstage.Config{
		DeviceKey: 7, ProveEvery: duration.MustParse("seconds=59"), DeviceKeyGrace: duration.MustParse("hours=1"),
		DeviceKeyPath: "/mooring/", Origin: "https://api.example/",
	})
	for _, want := range []string{"DeviceKey: ", "ProveEvery seconds=59", "DeviceKeyGrace hours=1", `DeviceKeyPath "/mooring/"`, `Origin "https://api.example/"`} {
		assert.ErrorContains(t, err, want)
	}
	_, err = loginstage.New(loginstage.Config{ProveEvery: duration.MustParse("minutes=5")})
	assert.ErrorContains(t, err, "a DeviceKey that is offer or require")
	_, err = loginstage.New(loginstage.Config{DeviceKey: loginstage.DeviceKeyOffer, Store: loginstagetest.NewStore(nil)})
	assert.ErrorContains(t, err, "DeviceSecrets none: want devicekey.NewSecrets")
	_, err = loginstage.New(loginstage.Config{DeviceKey: loginstage.DeviceKeyOffer, Carrier: session.Bearer{}})
	assert.ErrorContains(t, err, `Origin none: want one such as "https://api.example.com"`)
	for _, path := range []string{"mooring", "/", "//x", "/a/../b", "/{x}", "/a?b", "/a b", "/%41"} {
		_, err = loginstage.New(loginstage.Config{DeviceKeyPath: path})
		assert.ErrorContains(t, err, "DeviceKeyPath", path)
	}
	for _, origin := range []string{"api.example", "ftp://api.example", "https://", "https://a@b", "https://a?b"} {
		_, err = loginstage.New(loginstage.Config{Origin: origin})
		assert.ErrorContains(t, err, "Origin", origin)
	}
}
