package main

import (
	"errors"
	"net/http"
	"net/url"
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

// openNotes opens the application in a browser in Berlin.
func openNotes(t *testing.T, config loginstage.Config) (*loginstagetest.Browser, *loginstagetest.Stage) {
	t.Helper()
	config.LoginURL = "/login"
	stage := loginstagetest.New(t, config)
	everybody := func(_, password string) bool { return password == "right" }
	return loginstagetest.NewBrowser(t, newNotes(stage.UserLogin, everybody)), stage
}

func signIn(t *testing.T, b *loginstagetest.Browser, user string) {
	t.Helper()
	response := b.PostForm("/login", url.Values{"user": {user}, "password": {"right"}})
	require.Equal(t, http.StatusSeeOther, response.StatusCode)
}

func TestNotesAreTheUsersOwn(t *testing.T) {
	b, _ := openNotes(t, loginstage.Config{})
	signIn(t, b, "ada")
	b.PostForm("/", url.Values{"note": {"<b>buy tea</b>"}})
	assert.Contains(t, b.Get("/").Text, "<li>&lt;b&gt;buy tea&lt;/b&gt;</li>")

	signIn(t, b, "grace")
	assert.NotContains(t, b.Get("/").Text, "tea")
}

func TestPagesAreShownAsHTML(t *testing.T) {
	b, _ := openNotes(t, loginstage.Config{StaySignedInOffset: duration.MustParse("days=1")})
	const html = "text/html; charset=utf-8"
	assert.Equal(t, html, b.Get("/login").Header.Get("Content-Type"))
	asked := b.PostForm("/login", url.Values{"user": {"ada"}, "password": {"right"}})
	assert.Equal(t, html, asked.Header.Get("Content-Type"))
	b.PostForm("/login/answer", url.Values{"stay": {"yes"}})
	assert.Equal(t, html, b.Get("/").Header.Get("Content-Type"))
}

func TestWhoIsNotSignedInIsSentToSignIn(t *testing.T) {
	b, stage := openNotes(t, loginstage.Config{})
	response := b.Get("/?page=2")
	assert.Equal(t, http.StatusSeeOther, response.StatusCode)
	assert.Equal(t, "/login?next=%2F%3Fpage%3D2", response.Header.Get("Location"))
	assert.Equal(t, "/login?next=%2F%3Fpage%3D2", b.PostForm("/", url.Values{"note": {"mine"}}).Header.Get("Location"), "back to the page of the form")
	response = b.PostForm("/", url.Values{"note": {"mine"}})
	assert.Equal(t, http.StatusSeeOther, response.StatusCode)
	assert.Contains(t, response.Header.Get("Location"), "/login")
	assert.Equal(t, http.StatusUnauthorized, b.Call("POST", "/", nil).StatusCode, "a script is not sent anywhere")

	b.PostForm("/login", url.Values{"user": {"ada"}, "password": {"wrong"}})
	assert.Empty(t, stage.Events.Events())
}

// This is all that a test of a move takes.
func TestFromBerlinToLondon(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{GeoIPBinding: binding.GeoIPCountry})
	b := loginstagetest.NewBrowser(t, newNotes(stage.UserLogin, func(_, _ string) bool { return true }))
	b.PostForm("/login", url.Values{"user": {"ada"}})
	require.Equal(t, http.StatusOK, b.Get("/").StatusCode)

	b.MoveTo(bindingtest.London)
	require.Equal(t, http.StatusUnauthorized, b.Get("/").StatusCode)
	require.Equal(t, binding.GeoIPCountryChanged, stage.Events.Last().Context.Binding.Reason)
}

func TestAbroadTheSessionEndsAndTheUserIsToldWhy(t *testing.T) {
	b, stage := openNotes(t, loginstage.Config{GeoIPBinding: binding.GeoIPCountry})
	signIn(t, b, "ada")
	b.MoveTo(bindingtest.Munich)
	assert.Equal(t, http.StatusOK, b.Get("/").StatusCode)

	b.MoveTo(bindingtest.Paris)
	b.FollowRedirects = true
	assert.Contains(t, b.Get("/").Text, "Your last session has ended: binding_broken geoip.country")

	event := stage.Events.Last()
	assert.Equal(t, loginstage.ActionLogout, event.Action)
	assert.Equal(t, session.CauseBroken, event.Cause)
	assert.Equal(t, "ada", event.User)
}

func TestAStolenCookieIsWorthNothingElsewhere(t *testing.T) {
	b, _ := openNotes(t, loginstage.Config{NetworkBinding: binding.NetworkASN})
	signIn(t, b, "ada")
	thief := b.Clone()
	thief.MoveTo(bindingtest.Tokyo)
	assert.NotEqual(t, http.StatusOK, thief.Get("/").StatusCode)
	assert.NotEqual(t, http.StatusOK, b.Get("/").StatusCode, "the session is over for all")
}

// Inside a synctest bubble, hours pass in no time.
func TestHowLongASessionLives(t *testing.T) {
	const hours12, weeks2 = 12 * time.Hour, 14 * 24 * time.Hour
	for answer, lifetime := range map[string]time.Duration{"no": hours12, "yes": hours12 + weeks2} {
		synctest.Test(t, func(t *testing.T) {
			b, _ := openNotes(t, loginstage.Config{
				SessionDuration:    duration.Duration(hours12),
				StaySignedInOffset: duration.Duration(weeks2),
			})
			b.PostForm("/login", url.Values{"user": {"ada"}, "password": {"right"}})
			b.PostForm("/login/answer", url.Values{"stay": {answer}})
			b.CloseWindow() // the browser keeps the cookie

			time.Sleep(lifetime - time.Nanosecond)
			assert.Equal(t, http.StatusOK, b.Get("/").StatusCode)
			time.Sleep(time.Nanosecond)
			assert.Equal(t, http.StatusSeeOther, b.Get("/").StatusCode)
		})
	}
}

func TestByDefaultTheSessionEndsWithTheBrowser(t *testing.T) {
	b, _ := openNotes(t, loginstage.Config{})
	signIn(t, b, "ada")
	b.CloseWindow()
	assert.Equal(t, http.StatusSeeOther, b.Get("/").StatusCode)
}

func TestAStoreThatFailsSignsNobodyOut(t *testing.T) {
	store := loginstagetest.NewStore(nil)
	b, _ := openNotes(t, loginstage.Config{Store: store})
	signIn(t, b, "ada")
	store.Fail(errors.New("no store today"))
	assert.Equal(t, http.StatusServiceUnavailable, b.Get("/").StatusCode)
	store.Repair()
	assert.Equal(t, http.StatusOK, b.Get("/").StatusCode)
}
