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

func bound() loginstage.Config { return loginstage.Config{GeoIPBinding: binding.GeoIPCountry} }

// withCookie returns a request for the sign-in page with one cookie.
func withCookie(name, value string) *http.Request {
	r := httptest.NewRequest("GET", "/login", nil)
	r.Header.Set("Cookie", name+"="+value)
	return r
}

// A user who is signed out in the middle of something can be told why, by the dead
// token that the browser still has.
func TestLastEndingOfABrokenBinding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage, browser := open(t, bound())
		signIn(t, browser, "ada")
		browser.MoveTo(bindingtest.Paris)
		browser.Get("/whoami")
		ending, ok := stage.LastEnding(withCookie(cookie, browser.Cookie(cookie)))
		require.True(t, ok)
		assert.Equal(t, session.CauseBroken, ending.Cause)
		assert.Equal(t, binding.GeoIPCountryChanged, ending.Reason)
		assert.Equal(t, bindingtest.Paris, ending.Client)
		assert.Equal(t, time.Now().UTC(), ending.Time)
		assert.Empty(t, ending.Actor)
		assert.Equal(t, "nobody", whoami(browser))
	})
}

// The ID of a session is safe to log, so it tells nothing of the ending, in whatever
// cookie it comes.
func TestLastEndingNeedsTheToken(t *testing.T) {
	stage, browser := open(t, asking)
	signIn(t, browser, "ada")
	id := sessions(t, stage, "ada")[0].ID
	_, err := stage.RevokeUser(t.Context(), "ada", "admin")
	require.NoError(t, err)
	for _, name := range []string{cookie, cookie + "_ended", cookie + "_pending", cookie + "_device_" + session.Shard("ada")} {
		_, ok := stage.LastEnding(withCookie(name, id.String()))
		assert.False(t, ok, name)
		_, ok = stage.LastEnding(withCookie(name, browser.Cookie(cookie)))
		assert.Equal(t, name == cookie, ok, name)
	}
}

// A user who did not answer in time was not signed in, and is not told of a
// session.
func TestLastEndingOfAChallenge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage, browser := open(t, asking)
		begin(t, browser, "ada")
		pending := browser.Cookie(cookie + "_pending")
		require.NotEmpty(t, pending)
		time.Sleep(10 * time.Minute)
		for _, name := range []string{cookie, cookie + "_pending"} {
			_, ok := stage.LastEnding(withCookie(name, pending))
			assert.False(t, ok, name)
		}
		assert.Equal(t, "nobody", whoami(browser))
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
		assert.Empty(t, browser.Get("/login").Text)
	})
}

func TestLastEndingIsOverAtTheNextSignIn(t *testing.T) {
	forEachWay(t, func(t *testing.T, config loginstage.Config) {
		config.GeoIPBinding = binding.GeoIPCountry
		_, browser := open(t, config)
		signIn(t, browser, "ada")
		browser.MoveTo(bindingtest.Paris)
		browser.Get("/whoami")
		require.Equal(t, string(session.CauseBroken), browser.Get("/login").Text)
		signIn(t, browser, "ada")
		assert.Empty(t, browser.Get("/login").Text, "who is signed in has none")
		browser.PostForm("/logout", nil)
		assert.Empty(t, browser.Get("/login").Text, "who signed out knows")
	})
}

func TestLastEndingOfASessionEndedElsewhere(t *testing.T) {
	stage, browser := open(t, loginstage.Config{TerminateOtherSessions: true})
	signIn(t, browser, "ada")
	signIn(t, loginstagetest.NewBrowser(t, app(stage.UserLogin)), "ada")
	assert.Equal(t, string(session.CauseTerminated), browser.Get("/login").Text)
}

func TestLastEndingOfWhatIsNoDeadToken(t *testing.T) {
	stage, browser := open(t, loginstage.Config{})
	signIn(t, browser, "ada")
	for name, value := range map[string]string{
		"nothing":          "",
		"no token":         "hello",
		"an unknown token": session.NewToken("ada").Secret(),
		"a live session":   browser.Cookie(cookie),
		"a header's end":   "a\r\nb",
	} {
		ending, ok := stage.LastEnding(withCookie(cookie, value))
		assert.False(t, ok, name)
		assert.Zero(t, ending, name)
	}
	dead := browser.Cookie(cookie)
	_, err := stage.RevokeUser(t.Context(), "ada", "")
	require.NoError(t, err)
	_, ok := stage.LastEnding(withCookie(cookie, dead+"; "+cookie+"="+dead))
	assert.False(t, ok, "two cookies")
}

func TestLastEndingWithoutAStore(t *testing.T) {
	store := loginstagetest.NewStore(nil)
	config := bound()
	config.Store = store
	stage, browser := open(t, config)
	signIn(t, browser, "ada")
	browser.MoveTo(bindingtest.Paris)
	browser.Get("/whoami")
	r := withCookie(cookie, browser.Cookie(cookie))
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
		{"the default", loginstage.Config{}, cookie, http.SameSiteLaxMode},
		{"the carrier's", loginstage.Config{Carrier: session.Cookie{Name: "__Host-staff", SameSite: http.SameSiteStrictMode}}, "__Host-staff", http.SameSiteStrictMode},
		{"a pointer to the carrier's", loginstage.Config{Carrier: &session.Cookie{Name: "__Host-staff"}}, "__Host-staff", http.SameSiteLaxMode},
		{"another carrier", loginstage.Config{Carrier: &carrier{}}, cookie, http.SameSiteLaxMode},
		{"its own", loginstage.Config{StageCookie: session.Cookie{Name: "__Secure-x", Domain: "example.com"}}, "__Secure-x", http.SameSiteLaxMode},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.config.StaySignedInOffset = asking.StaySignedInOffset
			test.config.RememberDevice = remembering.RememberDevice
			_, browser := open(t, test.config)
			asked := setCookie(t, browser.PostForm("/begin?user=ada", nil), test.want+"_pending")
			remembered := setCookie(t, browser.PostForm("/finish", nil), test.want+"_device_"+session.Shard("ada"))
			for _, own := range []*http.Cookie{asked, remembered} {
				require.NotNil(t, own)
				assert.Equal(t, test.sameSite, own.SameSite)
				assert.Equal(t, test.config.StageCookie.Domain, own.Domain)
				assert.True(t, own.Secure)
				assert.True(t, own.HttpOnly)
			}
		})
	}
}
