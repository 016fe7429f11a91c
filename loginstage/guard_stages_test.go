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

// Two stages share a store, and may share a cookie. A session of one is nobody's to
// the other, which leaves it as it is.
func TestAStageAdmitsItsOwnSessions(t *testing.T) {
	for name, adminCookie := range map[string]string{"a cookie each": "__Host-admin", "one cookie": cookie} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := loginstagetest.NewStore(nil)
				users, browser := open(t, loginstage.Config{Store: store, SessionDuration: duration.MustParse("days=1")})
				admins := loginstagetest.New(t, loginstage.Config{
					Name: "admin", Store: store, Carrier: session.Cookie{Name: adminCookie}, GeoIPBinding: binding.GeoIPCountry,
					IdleTimeout: duration.MustParse("minutes=1"),
				})
				signIn(t, browser, "ada")
				before := sessions(t, users, "ada")
				token := browser.Cookie(cookie)
				thief := loginstagetest.NewBrowser(t, app(admins.UserLogin))
				thief.SetCookie(&http.Cookie{Name: adminCookie, Value: token, Path: "/", Secure: true})
				thief.MoveTo(bindingtest.Paris)
				time.Sleep(time.Hour)
				assert.Equal(t, "nobody", whoami(thief))
				assert.Equal(t, http.StatusUnauthorized, thief.Get("/private/").StatusCode)
				assert.Empty(t, thief.Get("/login").Text)
				response := thief.PostForm("/logout", nil)
				assert.Equal(t, http.StatusOK, response.StatusCode)
				assert.Empty(t, response.Header["Set-Cookie"])
				r := httptest.NewRequest("POST", "/", nil)
				r.AddCookie(&http.Cookie{Name: adminCookie, Value: token})
				assert.ErrorIs(t, admins.Confirm(httptest.NewRecorder(), r, loginstage.User{ID: "ada"}), session.ErrNotFound)

				assert.Equal(t, before, sessions(t, users, "ada"), "not used, not ended")
				assert.Equal(t, "ada", whoami(browser))
				assert.Empty(t, admins.Events.Events())

				_, err := users.RevokeUser(t.Context(), "ada", "")
				require.NoError(t, err)
				assert.Empty(t, thief.Get("/login").Text, "nor is its ending told")
				assert.Equal(t, string(session.CauseRevoked), browser.Get("/login").Text)
			})
		})
	}
}

// Nor does a sign-in of one stage end a session of another, whose token somebody has put
// into the place of its own. One that it admits is the client's, and ends.
func TestASignInEndsNoSessionOfAnotherStage(t *testing.T) {
	for _, offset := range []string{"", "days=1"} {
		for _, user := range []string{"ada", "mallory"} {
			store := loginstagetest.NewStore(nil)
			users, browser := open(t, loginstage.Config{Store: store})
			config := loginstage.Config{Name: "admin", Store: store, Carrier: session.Cookie{Name: "__Host-admin"}}
			if offset != "" {
				config.StaySignedInOffset = duration.MustParse(offset)
			}
			for _, also := range [][]string{nil, {loginstage.DefaultName}} {
				signIn(t, browser, "ada")
				config.AlsoAdmit = also
				visitor := loginstagetest.NewBrowser(t, app(loginstagetest.New(t, config).UserLogin))
				visitor.SetCookie(&http.Cookie{Name: "__Host-admin", Value: browser.Cookie(cookie), Path: "/", Secure: true})
				before := len(users.Events.Of(loginstage.ActionLogout))
				signIn(t, visitor, user)
				if also == nil {
					assert.Equal(t, "ada", whoami(browser))
				} else {
					assert.Equal(t, "nobody", whoami(browser))
				}
				assert.Len(t, users.Events.Of(loginstage.ActionLogout), before)
				assert.Equal(t, user, whoami(visitor))
			}
		}
	}
}

func TestAStageAdmitsWhatItIsToldTo(t *testing.T) {
	also := []string{"partners", loginstage.DefaultName}
	store := loginstagetest.NewStore(nil)
	_, browser := open(t, loginstage.Config{Store: store})
	admins := loginstagetest.New(t, loginstage.Config{Name: "admin", Store: store, AlsoAdmit: also})
	also[1] = "changed since"
	signIn(t, browser, "ada")
	visitor := with(t, admins, browser.Cookie(cookie))
	assert.Equal(t, "ada", whoami(visitor))
	assert.Equal(t, "ada", visitor.Get("/private/").Text)
	visitor.PostForm("/logout", nil)
	assert.Equal(t, "nobody", whoami(browser))
}

// A user who was proved to one stage does not become a user of another by
// answering there.
func TestAStageFinishesItsOwnSignIns(t *testing.T) {
	store := loginstagetest.NewStore(nil)
	config := asking
	config.Store = store
	users, browser := open(t, config)
	config.Name, config.AlsoAdmit = "admin", []string{loginstage.DefaultName}
	admins := loginstagetest.New(t, config)
	begin(t, browser, "ada")
	elsewhere := loginstagetest.NewBrowser(t, app(admins.UserLogin))
	elsewhere.SetCookie(&http.Cookie{Name: pendingCookie, Value: browser.Cookie(pendingCookie), Path: "/", Secure: true})
	assert.Equal(t, http.StatusConflict, elsewhere.PostForm("/finish", nil).StatusCode)
	elsewhere.PostForm("/logout", nil)
	assert.Empty(t, sessions(t, admins, "ada"))
	assert.Equal(t, http.StatusOK, browser.PostForm("/finish", nil).StatusCode)
	assert.Len(t, sessions(t, users, "ada"), 1)
}

// Stages that have a cookie in common have one place for their tokens: a sign-in at one
// ends the session of the other, which nobody could use or sign out of any more.
func TestASignInEndsWhatItsCookieHad(t *testing.T) {
	for _, user := range []string{"ada", "bob"} {
		store := loginstagetest.NewStore(nil)
		users, browser := open(t, loginstage.Config{Store: store})
		admins := loginstagetest.New(t, loginstage.Config{Name: "admin", Store: store})
		signIn(t, browser, "ada")
		elsewhere := loginstagetest.NewBrowser(t, app(users.UserLogin))
		signIn(t, elsewhere, "ada")
		thief := browser.Clone()
		admin := loginstagetest.NewBrowser(t, app(admins.UserLogin))
		admin.SetCookie(&http.Cookie{Name: cookie, Value: browser.Cookie(cookie), Path: "/", Secure: true})
		signIn(t, admin, user)
		assert.Equal(t, user, whoami(admin))
		assert.Equal(t, "nobody", whoami(thief), "the token before is dead")
		assert.Equal(t, "ada", whoami(elsewhere))
		endings := admins.Events.Of(loginstage.ActionLogout)
		require.Len(t, endings, 1)
		assert.Equal(t, session.CauseReplaced, endings[0].Cause)
		assert.Equal(t, loginstage.DefaultName, endings[0].Stage)
	}
}
