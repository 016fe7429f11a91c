package loginstage_test

import (
	"context"
	"encoding/json"
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
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

func TestAnonymousPasses(t *testing.T) {
	store := loginstagetest.NewStore(nil)
	_, browser := open(t, loginstage.Config{Store: store, NetworkBinding: binding.NetworkASN})
	assert.Equal(t, "nobody", whoami(browser))
	assert.Equal(t, http.StatusUnauthorized, browser.Get("/private/").StatusCode)
	assert.Zero(t, store.Calls(loginstagetest.Get), "there is nothing to ask the store for")
}

func TestSameAddressIsNotLookedUp(t *testing.T) {
	places := &bindingtest.Counter{Locator: bindingtest.Places()}
	_, browser := open(t, loginstage.Config{Locator: places, NetworkBinding: binding.NetworkASNNetworkIP, GeoIPBinding: binding.GeoIPCity})
	signIn(t, browser, "ada")
	require.Equal(t, 1, places.Calls())
	for range 5 {
		require.Equal(t, "ada", whoami(browser))
	}
	assert.Equal(t, 1, places.Calls())
}

func TestMovedWhereTheBindingHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		places := &bindingtest.Counter{Locator: bindingtest.Places()}
		stage, browser := open(t, loginstage.Config{Locator: places, GeoIPBinding: binding.GeoIPCountry})
		signIn(t, browser, "ada")
		time.Sleep(time.Second)
		browser.MoveTo(bindingtest.Munich)
		require.Equal(t, "ada", whoami(browser))
		require.Equal(t, 2, places.Calls(), "the new address, and the anchor is as it was recorded")
		require.Equal(t, "ada", whoami(browser))
		require.Equal(t, 2, places.Calls(), "the new address is the last one now")

		s := sessions(t, stage, "ada")[0]
		assert.Equal(t, bindingtest.Munich, s.IP)
		assert.Equal(t, time.Now().UTC(), s.LastSeen)
		assert.Equal(t, bindingtest.Berlin, s.Anchor.IP, "the anchor never changes")
		assert.Empty(t, stage.Events.Of(loginstage.ActionLogout))
	})
}

// Many small steps do not lead away: each is compared with the anchor.
func TestEveryMoveIsComparedWithTheAnchor(t *testing.T) {
	stage, browser := open(t, loginstage.Config{NetworkBinding: binding.NetworkASN, GeoIPBinding: binding.GeoIPCountry})
	signIn(t, browser, "ada")
	browser.MoveTo(bindingtest.Munich) // same country, same network
	require.Equal(t, "ada", whoami(browser))
	browser.MoveTo(bindingtest.Hamburg)
	require.Equal(t, http.StatusUnauthorized, browser.Get("/whoami").StatusCode)
	broken := stage.Events.Last().Context.Binding
	assert.Equal(t, binding.NetworkASNChanged, broken.Reason)
	assert.Equal(t, bindingtest.Berlin, stage.Events.Last().Context.IP.Previous)
}

func TestBrokenEndsOnce(t *testing.T) {
	for range 5 {
		stage, browser := open(t, loginstage.Config{GeoIPBinding: binding.GeoIPCountry})
		signIn(t, browser, "ada")
		var thieves []*loginstagetest.Browser
		for range 32 {
			thief := browser.Clone()
			thief.MoveTo(bindingtest.Paris)
			thieves = append(thieves, thief)
		}
		// Those that come after the session has ended find nobody signed in, and
		// /private/ turns them away all the same.
		for _, response := range atOnce(len(thieves), func(i int) loginstagetest.Response { return thieves[i].Call("GET", "/private/", nil) }) {
			require.Equal(t, http.StatusUnauthorized, response.StatusCode)
		}
		require.Equal(t, []session.Cause{session.CauseBroken}, causes(stage, loginstage.ActionLogout))
		require.Empty(t, sessions(t, stage, "ada"))
		require.Equal(t, http.StatusUnauthorized, browser.Get("/private/").StatusCode, "at home too")
		require.Equal(t, "nobody", whoami(browser))
	}
}

// The guard's answer may arrive after that of a sign-in in the same browser: it
// leaves the token alone, which is dead.
func TestBrokenLeavesTheToken(t *testing.T) {
	stage, browser := open(t, loginstage.Config{GeoIPBinding: binding.GeoIPCountry})
	signIn(t, browser, "ada")
	browser.MoveTo(bindingtest.Paris)
	response := browser.Call("GET", "/whoami", nil)
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
	assert.Empty(t, response.Header["Set-Cookie"])
	assert.Equal(t, "no-store", response.Header.Get("Cache-Control"))
	assert.Equal(t, "nobody", whoami(browser), "and the next request is anonymous")
	assert.Len(t, stage.Events.Of(loginstage.ActionLogout), 1)
}

// replacesFirst ends each session as replaced just before it is ended otherwise.
type replacesFirst struct{ session.Store }

func (s replacesFirst) End(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	replaced := ending
	replaced.Cause = session.CauseReplaced
	if _, err := s.Store.End(ctx, id, replaced); err != nil {
		return session.Session{}, err
	}
	return s.Store.End(ctx, id, ending)
}

// A request that is still under way with the token before a new sign-in must not
// take the new token from the browser.
func TestBrokenAndReplacedMeanwhileLeavesTheToken(t *testing.T) {
	stage, browser := open(t, loginstage.Config{Store: replacesFirst{memstore.New()}, GeoIPBinding: binding.GeoIPCountry})
	signIn(t, browser, "ada")
	browser.MoveTo(bindingtest.Paris)
	response := browser.Get("/whoami")
	assert.Equal(t, "nobody", response.Text)
	assert.Empty(t, response.Header["Set-Cookie"])
	assert.NotContains(t, causes(stage, loginstage.ActionLogout), session.CauseBroken)
}

// A session that someone else ended is anonymous, and its cookie is left alone:
// a sign-in of the same browser may be on its way with another.
func TestEndedElsewhereIsAnonymous(t *testing.T) {
	stage, browser := open(t, loginstage.Config{})
	signIn(t, browser, "ada")
	_, err := stage.RevokeUser(t.Context(), "ada", "admin")
	require.NoError(t, err)
	response := browser.Get("/whoami")
	assert.Equal(t, "nobody", response.Text)
	assert.Empty(t, response.Header["Set-Cookie"])
}

func TestRequireInsideGuardChecksOnce(t *testing.T) {
	store := loginstagetest.NewStore(nil)
	_, browser := open(t, loginstage.Config{Store: store})
	signIn(t, browser, "ada")
	before := store.Calls(loginstagetest.Get)
	require.Equal(t, "ada", browser.Get("/private/").Text)
	assert.Equal(t, before+1, store.Calls(loginstagetest.Get))
}

// Two stages with a carrier each can guard the same application: staff and
// customers. Who is signed in to one is not signed in to the other.
func TestGuardsOfTwoStages(t *testing.T) {
	staff := loginstagetest.New(t, loginstage.Config{Name: "staff", Carrier: session.Cookie{Name: "__Host-staff"}})
	customers := loginstagetest.New(t, loginstage.Config{Name: "customers"})
	browser := loginstagetest.NewBrowser(t, staff.Guard(app(customers.UserLogin)))
	signIn(t, browser, "ada")
	assert.Equal(t, "ada", whoami(browser))
	assert.Equal(t, "ada", browser.Get("/private/").Text)

	both := loginstagetest.NewBrowser(t, staff.Guard(customers.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		signIn := map[string]*loginstagetest.Stage{"/staff": staff, "/customers": customers}[r.URL.Path]
		if signIn != nil {
			_, err := signIn.Begin(w, r, loginstage.User{ID: "ada"})
			assert.NoError(t, err)
			return
		}
		for _, stage := range []*loginstagetest.Stage{staff, customers} {
			stage.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s, _ := loginstage.Current(r.Context())
				_, _ = w.Write([]byte(s.User + " of " + s.Stage + "\n"))
			})).ServeHTTP(w, r)
		}
	}))))
	both.PostForm("/customers", nil)
	assert.Equal(t, http.StatusUnauthorized, both.Get("/").StatusCode, "a customer is not of the staff")
	both.PostForm("/staff", nil)
	assert.Equal(t, "ada of staff\nada of customers\n", both.Get("/").Text)
}

func TestCurrentOfABareContext(t *testing.T) {
	s, ok := loginstage.Current(t.Context())
	assert.False(t, ok)
	assert.Zero(t, s)
}

func TestGuardLeavesTheRequestAlone(t *testing.T) {
	stage, browser := open(t, loginstage.Config{})
	signIn(t, browser, "ada")
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: cookie, Value: browser.Cookie(cookie)})
	before := r.Context()
	called := false
	stage.Guard(http.HandlerFunc(func(_ http.ResponseWriter, guarded *http.Request) {
		called = true
		_, ok := loginstage.Current(guarded.Context())
		assert.True(t, ok)
		assert.NotSame(t, r, guarded)
	})).ServeHTTP(httptest.NewRecorder(), r)
	assert.True(t, called)
	assert.Equal(t, before, r.Context())
}

// The use of a session is written at most once a minute, unless it moves.
func TestTouchesAreCoalesced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := loginstagetest.NewStore(nil)
		stage, browser := open(t, loginstage.Config{Store: store, GeoIPBinding: binding.GeoIPCountry})
		signIn(t, browser, "ada")
		for range 10 * 60 {
			require.Equal(t, "ada", whoami(browser))
			time.Sleep(time.Second)
		}
		assert.Equal(t, 9, store.Calls(loginstagetest.Touch), "in ten minutes")

		before := store.Calls(loginstagetest.Touch)
		for i := range 6 {
			browser.MoveTo([]netip.Addr{bindingtest.Munich, bindingtest.Berlin}[i%2])
			require.Equal(t, "ada", whoami(browser))
			time.Sleep(time.Second)
		}
		assert.Equal(t, before+6, store.Calls(loginstagetest.Touch), "each move is written at once")
		assert.Equal(t, bindingtest.Berlin, sessions(t, stage, "ada")[0].IP)
	})
}

func TestProblemJSON(t *testing.T) {
	_, browser := open(t, loginstage.Config{Name: "staff"})
	response := browser.Call("GET", "/private/", nil)
	assert.Equal(t, "application/problem+json", response.Header.Get("Content-Type"))
	assert.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"))
	assert.Equal(t, `Session realm="staff"`, response.Header.Get("WWW-Authenticate"))
	assert.Equal(t, "no-store", response.Header.Get("Cache-Control"))
	var problem map[string]any
	require.NoError(t, json.Unmarshal([]byte(response.Text), &problem))
	assert.Equal(t, map[string]any{"type": "about:blank", "title": "Unauthorized", "status": 401.0, "detail": "Sign in to use this."}, problem)
}

// A client of an API is asked for its token in the scheme that it uses, and told that
// the token it sent is good for nothing; a browser is not asked for a bearer token.
func TestChallengeToAClientOfAnAPI(t *testing.T) {
	const bearer, cookies = `Bearer realm="staff"`, `Session realm="staff"`
	const invalid = `, error="invalid_token"`
	for _, tt := range []struct {
		carrier             session.Carrier
		name, value, wanted string
	}{
		{session.Bearer{}, "", "", bearer},
		{session.Bearer{}, "Authorization", "bearer x", bearer + invalid},
		{session.Bearer{}, "Authorization", "DPoP x", `DPoP realm="staff"` + invalid},
		{session.Bearer{}, "Authorization", "Basic x", bearer},
		{session.CookieOrBearer{}, "Authorization", "Bearer x", bearer + invalid},
		{session.CookieOrBearer{}, "Sec-Fetch-Site", "same-origin", cookies},
		{session.Cookie{}, "Authorization", "Bearer x", cookies},
	} {
		stage := loginstagetest.New(t, loginstage.Config{Name: "staff", Carrier: tt.carrier})
		r := httptest.NewRequest("GET", "/", nil)
		if tt.name != "" {
			r.Header.Set(tt.name, tt.value)
		}
		w := httptest.NewRecorder()
		stage.Require(http.NotFoundHandler()).ServeHTTP(w, r)
		assert.Equal(t, http.StatusUnauthorized, w.Code)
		assert.Equal(t, tt.wanted, w.Header().Get("WWW-Authenticate"), "%T %s: %s", tt.carrier, tt.name, tt.value)
	}
}

// A bearer token whose session is restricted is good: only its user has to be proved.
func TestChallengeToAClientOfAnAPIThatIsRestricted(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{
		Carrier: session.Bearer{}, GeoIPBinding: binding.GeoIPCountry, Actions: binding.Always(binding.StepUp),
	})
	w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil)
	r.RemoteAddr = bindingtest.Berlin.String() + ":1"
	_, _, err := stage.SignIn(w, r, loginstage.User{ID: "ada"})
	require.NoError(t, err)
	r = httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+w.Header().Get(session.DefaultTokenHeader))
	r.RemoteAddr = bindingtest.Paris.String() + ":1"
	w = httptest.NewRecorder()
	stage.Require(http.NotFoundHandler()).ServeHTTP(w, r)
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assert.Equal(t, `Bearer realm="user-login"`, w.Header().Get("WWW-Authenticate"))
}
