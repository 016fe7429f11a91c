package loginstage_test

import (
	"net/http"
	"net/http/httptest"
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
)

const noticeCookie = cookie + "_ended"

func bound() loginstage.Config { return loginstage.Config{GeoIPBinding: binding.GeoIPCountry} }

// Who is signed out in the middle of something can be told why, though the
// token is gone.
func TestLastEndingOfABrokenBinding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage, browser := open(t, bound())
		signIn(t, browser, "ada")
		id := sessions(t, stage, "ada")[0].ID
		browser.MoveTo(bindingtest.Paris)
		response := browser.Get("/whoami")
		notice := setCookie(t, response, noticeCookie)
		assert.Equal(t, id.String(), notice.Value, "the ID, which signs nobody in")
		assert.True(t, notice.Secure)
		assert.True(t, notice.HttpOnly)
		assert.Equal(t, 86400, notice.MaxAge)

		r := httptest.NewRequest("GET", "/login", nil)
		r.AddCookie(notice)
		ending, ok := stage.LastEnding(r)
		require.True(t, ok)
		assert.Equal(t, session.CauseBroken, ending.Cause)
		assert.Equal(t, binding.GeoIPCountryChanged, ending.Reason)
		assert.Equal(t, bindingtest.Paris, ending.Client)
		assert.Equal(t, time.Now().UTC(), ending.Time)
		assert.Empty(t, ending.Actor)

		thief := with(t, stage, notice.Value)
		assert.Equal(t, "nobody", whoami(thief))
	})
}

// Who did not answer in time was not signed in, and is not told of a session.
func TestLastEndingOfAChallenge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage, browser := open(t, asking)
		begin(t, browser, "ada")
		time.Sleep(10 * time.Minute)
		for range 2 { // by the token, and by what the guard leaves of it
			r := httptest.NewRequest("GET", "/login", nil)
			for _, name := range []string{cookie, noticeCookie} {
				r.AddCookie(&http.Cookie{Name: name, Value: browser.Cookie(name)})
			}
			_, ok := stage.LastEnding(r)
			assert.False(t, ok)
			assert.Equal(t, "nobody", whoami(browser))
			assert.Empty(t, browser.Cookie(cookie))
		}
	})
}

func TestLastEndingIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := bound()
		config.KeepEndings = duration.MustParse("hours=1")
		stage, browser := open(t, config)
		signIn(t, browser, "ada")
		browser.MoveTo(bindingtest.Paris)
		browser.Get("/whoami")
		time.Sleep(time.Hour - 1)
		assert.Equal(t, string(session.CauseBroken), browser.Get("/login").Text)
		time.Sleep(time.Nanosecond)
		_, err := stage.Sweep(t.Context())
		require.NoError(t, err)
		assert.Empty(t, browser.Cookie(noticeCookie))
		assert.Empty(t, browser.Get("/login").Text)
	})
}

func TestLastEndingIsClearedAtTheNextSignIn(t *testing.T) {
	forEachWay(t, func(t *testing.T, config loginstage.Config) {
		config.GeoIPBinding = binding.GeoIPCountry
		_, browser := open(t, config)
		signIn(t, browser, "ada")
		browser.MoveTo(bindingtest.Paris)
		browser.Get("/whoami")
		require.Equal(t, string(session.CauseBroken), browser.Get("/login").Text)
		signIn(t, browser, "ada")
		assert.Empty(t, browser.Cookie(noticeCookie))
		assert.Empty(t, browser.Get("/login").Text, "who is signed in has none")
		browser.PostForm("/logout", nil)
		assert.Empty(t, browser.Get("/login").Text, "who signed out knows")
	})
}

// A notice that is left over says nothing to who is signed in.
func TestLastEndingOfWhoIsSignedIn(t *testing.T) {
	stage, browser := open(t, loginstage.Config{})
	signIn(t, browser, "ada")
	ended := sessions(t, stage, "ada")[0].ID
	signIn(t, browser, "ada")
	r := httptest.NewRequest("GET", "/login", nil)
	r.AddCookie(&http.Cookie{Name: noticeCookie, Value: ended.String()})
	_, ok := stage.LastEnding(r)
	assert.True(t, ok)
	r.AddCookie(&http.Cookie{Name: cookie, Value: browser.Cookie(cookie)})
	_, ok = stage.LastEnding(r)
	assert.False(t, ok)
}

// Where the token is still there, it leads to the ending without a notice.
func TestLastEndingByTheToken(t *testing.T) {
	stage, browser := open(t, loginstage.Config{TerminateOtherSessions: true})
	signIn(t, browser, "ada")
	signIn(t, loginstagetest.NewBrowser(t, app(stage.UserLogin)), "ada")
	assert.Empty(t, browser.Cookie(noticeCookie))
	assert.Equal(t, string(session.CauseTerminated), browser.Get("/login").Text)
}

func TestLastEndingOfWhatIsNoNotice(t *testing.T) {
	stage, browser := open(t, loginstage.Config{})
	signIn(t, browser, "ada")
	live := sessions(t, stage, "ada")[0].ID
	for name, value := range map[string]string{
		"nothing":           "",
		"no ID":             "hello",
		"an unknown ID":     session.NewToken("ada").ID().String(),
		"a live session":    live.String(),
		"a header's end":    "a\r\nb",
		"a token, not dead": browser.Cookie(cookie),
	} {
		r := httptest.NewRequest("GET", "/login", nil)
		r.Header.Set("Cookie", noticeCookie+"="+value)
		ending, ok := stage.LastEnding(r)
		assert.False(t, ok, name)
		assert.Zero(t, ending, name)
	}
	twice := httptest.NewRequest("GET", "/login", nil)
	twice.AddCookie(&http.Cookie{Name: noticeCookie, Value: live.String()})
	twice.AddCookie(&http.Cookie{Name: noticeCookie, Value: live.String()})
	_, ok := stage.LastEnding(twice)
	assert.False(t, ok)
}

func TestLastEndingWithoutAStore(t *testing.T) {
	store := loginstagetest.NewStore(nil)
	config := bound()
	config.Store = store
	stage, browser := open(t, config)
	signIn(t, browser, "ada")
	browser.MoveTo(bindingtest.Paris)
	notice := setCookie(t, browser.Get("/whoami"), noticeCookie)
	r := httptest.NewRequest("GET", "/login", nil)
	r.AddCookie(notice)
	store.Fail(errOut)
	_, ok := stage.LastEnding(r)
	assert.False(t, ok)
	store.Repair()
	_, ok = stage.LastEnding(r)
	assert.True(t, ok)
}

// The stage's own cookies are as the carrier's cookie is.
func TestStageCookiesFollowTheCarrier(t *testing.T) {
	for _, test := range []struct {
		name     string
		config   loginstage.Config
		want     string
		sameSite http.SameSite
	}{
		{"the default", loginstage.Config{}, noticeCookie, http.SameSiteLaxMode},
		{"the carrier's", loginstage.Config{Carrier: session.Cookie{Name: "__Host-staff", SameSite: http.SameSiteStrictMode}}, "__Host-staff_ended", http.SameSiteStrictMode},
		{"a pointer to the carrier's", loginstage.Config{Carrier: &session.Cookie{Name: "__Host-staff"}}, "__Host-staff_ended", http.SameSiteLaxMode},
		{"another carrier", loginstage.Config{Carrier: &carrier{}}, noticeCookie, http.SameSiteLaxMode},
		{"its own", loginstage.Config{StageCookie: session.Cookie{Name: "__Secure-x", Domain: "example.com"}}, "__Secure-x_ended", http.SameSiteLaxMode},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.config.GeoIPBinding = binding.GeoIPCountry
			_, browser := open(t, test.config)
			signIn(t, browser, "ada")
			browser.MoveTo(bindingtest.Paris)
			notice := setCookie(t, browser.Get("/whoami"), test.want)
			require.NotNil(t, notice)
			assert.Equal(t, test.sameSite, notice.SameSite)
			assert.Equal(t, test.config.StageCookie.Domain, notice.Domain)
			assert.Equal(t, string(session.CauseBroken), browser.Get("/login").Text)
		})
	}
}
