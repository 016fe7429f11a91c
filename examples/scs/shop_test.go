package main

import (
	"errors"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
)

// dataCookie is the name of the cookie of scs.
const dataCookie = "__Host-shop"

func proved(r *http.Request) (user string, ok bool) {
	return r.PostFormValue("user"), r.PostFormValue("password") == "secret"
}

// visit opens the shop with Mooring in a browser.
func visit(t *testing.T, config loginstage.Config) (*loginstagetest.Stage, *loginstagetest.Browser) {
	t.Helper()
	return visitWith(t, config, newData())
}

func visitWith(t *testing.T, config loginstage.Config, data *scs.SessionManager) (*loginstagetest.Stage, *loginstagetest.Browser) {
	t.Helper()
	stage := loginstagetest.New(t, config)
	return stage, loginstagetest.NewBrowser(t, after(data, stage.UserLogin, addToBasket(data), proved))
}

func signIn(t *testing.T, b *loginstagetest.Browser, user string) {
	t.Helper()
	response := b.PostForm("/login", url.Values{"user": {user}, "password": {"secret"}})
	require.Equal(t, http.StatusOK, response.StatusCode, response.Text)
	require.Equal(t, "The orders of "+user+"\n", b.Get("/orders").Text)
}

// withoutSession deletes the cookie of the session.
var withoutSession = &http.Cookie{Name: session.DefaultCookieName, Path: "/", Secure: true, MaxAge: -1}

func basket(b *loginstagetest.Browser) string { return b.PostForm("/basket", nil).Text }

func TestWhatWorkedBeforeWorksAfter(t *testing.T) {
	for name, old := range map[string]bool{"before": true, "after": false} {
		t.Run(name, func(t *testing.T) {
			shop, err := newShop(old, proved)
			require.NoError(t, err)
			b := loginstagetest.NewBrowser(t, shop)
			assert.Equal(t, http.StatusUnauthorized, b.Get("/orders").StatusCode)
			assert.Equal(t, "In the basket: 1\n", basket(b))
			wrong := b.PostForm("/login", url.Values{"user": {"ada"}, "password": {"wrong"}})
			assert.Equal(t, http.StatusUnprocessableEntity, wrong.StatusCode)

			planted := b.Cookie(dataCookie)
			signIn(t, b, "ada")
			assert.Equal(t, "The orders of ada\n", b.Get("/orders").Text)
			assert.NotEqual(t, planted, b.Cookie(dataCookie), "a token from before the sign-in is worth nothing")
			assert.Equal(t, "In the basket: 2\n", basket(b), "the basket is kept over the sign-in")
			assert.Equal(t, "The orders of ada\n", b.Get("/orders").Text, "the sign-in is kept over a change of the basket")

			assert.Equal(t, http.StatusOK, b.PostForm("/logout", nil).StatusCode)
			assert.Equal(t, http.StatusUnauthorized, b.Get("/orders").StatusCode)
			assert.Equal(t, "In the basket: 1\n", basket(b))
		})
	}
}

// A thief who has planted the data's token before the sign-in has nothing of what the
// user gathers after it.
func TestAPlantedTokenDoesNotSeeTheUsersData(t *testing.T) {
	_, victim := visit(t, loginstage.Config{})
	basket(victim)
	thief := victim.Clone() // who knows the token
	signIn(t, victim, "ada")
	for range 4 {
		basket(victim)
	}
	assert.Equal(t, "In the basket: 1\n", basket(thief))
	assert.Equal(t, "In the basket: 6\n", basket(victim))
}

// However a session ends, its data is not there for who comes next to the browser.
func TestDataEndsWithItsSession(t *testing.T) {
	config := loginstage.Config{SessionDuration: duration.MustParse("hours=1"), GeoIPBinding: binding.GeoIPCountry}
	for name, end := range map[string]func(t *testing.T, stage *loginstagetest.Stage, b *loginstagetest.Browser){
		"revoked elsewhere": func(t *testing.T, stage *loginstagetest.Stage, _ *loginstagetest.Browser) {
			_, err := stage.RevokeUser(t.Context(), "ada", "operator")
			require.NoError(t, err)
		},
		"the password was changed": func(t *testing.T, stage *loginstagetest.Stage, _ *loginstagetest.Browser) {
			_, err := stage.CredentialsChanged(t.Context(), "ada", "password", session.ID{}, "ada")
			require.NoError(t, err)
		},
		"its time was up": func(*testing.T, *loginstagetest.Stage, *loginstagetest.Browser) { time.Sleep(time.Hour) },
		"its binding broke": func(_ *testing.T, _ *loginstagetest.Stage, b *loginstagetest.Browser) {
			b.MoveTo(bindingtest.Paris)
			b.Get("/orders")
		},
		"signed out": func(_ *testing.T, _ *loginstagetest.Stage, b *loginstagetest.Browser) { b.PostForm("/logout", nil) },
		"another user signed in": func(t *testing.T, _ *loginstagetest.Stage, b *loginstagetest.Browser) {
			signIn(t, b, "grace")
		},
		"the cookie of the session was deleted": func(_ *testing.T, _ *loginstagetest.Stage, b *loginstagetest.Browser) {
			b.SetCookie(withoutSession)
		},
	} {
		t.Run(name, func(t *testing.T) {
			data := newData() // which starts a goroutine
			data.Store = memstore.NewWithCleanupInterval(0)
			synctest.Test(t, func(t *testing.T) {
				stage, b := visitWith(t, config, data)
				signIn(t, b, "ada")
				basket(b)
				require.Equal(t, "In the basket: 2\n", basket(b))
				late := b.Clone() // who has the token of the data alone
				late.SetCookie(withoutSession)
				end(t, stage, b)
				require.Equal(t, "In the basket: 1\n", basket(b))
				require.Equal(t, "In the basket: 1\n", basket(late))
			})
		})
	}
}

// The token of scs alone is worth nothing, while the session lives.
func TestACopyOfTheDataTokenIsWorthNothing(t *testing.T) {
	_, b := visit(t, loginstage.Config{})
	signIn(t, b, "ada")
	basket(b)
	thief := b.Clone()
	thief.SetCookie(withoutSession)
	assert.Equal(t, "In the basket: 1\n", basket(thief))
	signIn(t, thief, "mallory")
	assert.Equal(t, "In the basket: 2\n", basket(thief), "what mallory has gathered")
}

// Who signs in again in the same browser, or confirms, goes on with the same basket.
func TestDataFollowsItsUser(t *testing.T) {
	_, b := visit(t, loginstage.Config{})
	signIn(t, b, "ada")
	basket(b)
	before := b.Cookie(dataCookie)
	signIn(t, b, "ada")
	assert.Equal(t, "In the basket: 2\n", basket(b))
	assert.Equal(t, before, b.Cookie(dataCookie), "it is ada's already")
}

// A fault is no sign-out.
func TestDataStaysWhereNobodyKnowsWhoIsSignedIn(t *testing.T) {
	store := loginstagetest.NewStore(nil)
	_, b := visit(t, loginstage.Config{Store: store})
	signIn(t, b, "ada")
	basket(b)
	store.Fail(errors.New("no store today"))
	assert.Equal(t, http.StatusServiceUnavailable, b.PostForm("/basket", nil).StatusCode)
	store.Repair()
	assert.Equal(t, "In the basket: 2\n", basket(b))
}

// A page that asks for several things at once after a sign-in gets the same data for all.
func TestDataIsTheUsersWithTheSignInItself(t *testing.T) {
	_, b := visit(t, loginstage.Config{})
	basket(b)
	planted := b.Cookie(dataCookie)
	b.PostForm("/login", url.Values{"user": {"ada"}, "password": {"secret"}})
	assert.NotEqual(t, planted, b.Cookie(dataCookie))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { b.Get("/orders") })
	}
	all.Wait()
	assert.Equal(t, "In the basket: 2\n", basket(b))
}

// A sign-out leaves nothing in the store until the browser comes back.
func TestASignOutDestroysTheData(t *testing.T) {
	data := newData()
	_, b := visitWith(t, loginstage.Config{}, data)
	kept := func() int {
		all, err := data.Store.(*memstore.MemStore).All()
		require.NoError(t, err)
		return len(all)
	}
	signIn(t, b, "ada")
	basket(b)
	require.Equal(t, 1, kept())
	b.PostForm("/logout", nil)
	assert.Zero(t, kept())
}

// A session that has to be confirmed first is still its user's.
func TestDataStaysWithARestrictedSession(t *testing.T) {
	_, b := visit(t, loginstage.Config{GeoIPBinding: binding.GeoIPCountry, Actions: binding.Always(binding.StepUp)})
	signIn(t, b, "ada")
	basket(b)
	b.MoveTo(bindingtest.Paris)
	assert.Equal(t, http.StatusUnauthorized, b.Get("/orders").StatusCode)
	b.MoveTo(bindingtest.Berlin)
	assert.Equal(t, "In the basket: 2\n", basket(b))
}

// The guide shows the code that runs here.
func TestTheGuideShowsThisCode(t *testing.T) {
	guide, err := os.ReadFile("../../docs/migrating.md")
	require.NoError(t, err)
	for _, name := range []string{"before.go", "after.go", "owned.go"} {
		source, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, function := range regexp.MustCompile(`(?ms)^func \w+\(.*?^}\n`).FindAllString(string(source), -1) {
			shown := strings.Contains(string(guide), function)
			assert.True(t, shown, "docs/migrating.md does not show this of %s:\n%s", name, function)
		}
	}
}
