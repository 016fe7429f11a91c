package loginstage_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
)

const day = 24 * time.Hour

func TestLifetime(t *testing.T) {
	for _, test := range []struct {
		name             string
		duration, offset string
		stay             bool
		maxAge           int // of the cookie; 0: no Max-Age
		expires, idle    time.Duration
	}{
		{"until the browser closes", "seconds=0", "seconds=0", false, 0, 30 * day, day},
		{"until the browser closes, asked, no", "seconds=0", "weeks=2", false, 0, 30 * day, day},
		{"until the browser closes, asked, yes", "seconds=0", "weeks=2", true, 14 * 86400, 14 * day, 0},
		{"a duration", "hours=12", "seconds=0", false, 12 * 3600, 12 * time.Hour, 0},
		{"a duration, asked, no", "hours=12", "weeks=2", false, 12 * 3600, 12 * time.Hour, 0},
		{"a duration, asked, yes", "hours=12", "weeks=2", true, 14*86400 + 12*3600, 14*day + 12*time.Hour, 0},
		{"the shortest", "seconds=1", "seconds=0", false, 1, time.Second, 0},
		{"a part of a second", "seconds=1.000000001", "seconds=0", false, 2, time.Second + 1, 0},
		{"the longest", "days=400", "seconds=0", false, 400 * 86400, 400 * day, 0},
		{"the longest sum", "days=300", "days=100", true, 400 * 86400, 400 * day, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			stage, browser := open(t, loginstage.Config{
				SessionDuration: duration.MustParse(test.duration), StaySignedInOffset: duration.MustParse(test.offset),
			})
			response := browser.PostForm("/begin?user=ada", nil)
			if test.offset != "seconds=0" {
				form := map[string][]string{}
				if test.stay {
					form["stay"] = []string{"1"}
				}
				response = browser.PostForm("/finish", form)
			}
			require.Equal(t, http.StatusOK, response.StatusCode)
			line := response.Header.Get("Set-Cookie")
			assert.Equal(t, test.maxAge, setCookie(t, response, cookie).MaxAge)
			assert.Equal(t, test.maxAge > 0, strings.Contains(line, "Max-Age="), line)
			assert.NotContains(t, line, "Expires=")

			s := sessions(t, stage, "ada")[0]
			assert.Equal(t, test.expires, s.Expires.Sub(s.Created))
			assert.Equal(t, test.idle, s.Idle)
		})
	}
}

func TestCookieIsSafe(t *testing.T) {
	_, browser := open(t, loginstage.Config{SessionDuration: duration.MustParse("hours=1")})
	response := signIn(t, browser, "ada")
	c := setCookie(t, response, cookie)
	assert.Equal(t, "__Host-mooring", c.Name)
	assert.True(t, c.Secure)
	assert.True(t, c.HttpOnly)
	assert.Equal(t, "/", c.Path)
	assert.Empty(t, c.Domain)
	assert.Equal(t, http.SameSiteLaxMode, c.SameSite)
	assert.Equal(t, "no-store", response.Header.Get("Cache-Control"))

	cleared := browser.PostForm("/logout", nil)
	c = setCookie(t, cleared, cookie)
	assert.Empty(t, c.Value)
	assert.Negative(t, c.MaxAge)
	assert.True(t, c.Secure)
	assert.Equal(t, "/", c.Path)
	assert.Equal(t, "no-store", cleared.Header.Get("Cache-Control"))
}

// Each limit holds on the server, whatever the browser sends, at its instant.
func TestLimitsHoldOnTheServer(t *testing.T) {
	for _, test := range []struct {
		name   string
		config loginstage.Config
		use    time.Duration // how often it is used meanwhile; 0: not at all
		limit  time.Duration
		cause  session.Cause
	}{
		{"absolute", loginstage.Config{SessionDuration: duration.MustParse("hours=1")}, 10 * time.Minute, time.Hour, session.CauseExpired},
		{"absolute, unused", loginstage.Config{SessionDuration: duration.MustParse("hours=1")}, 0, time.Hour, session.CauseExpired},
		{"idle", loginstage.Config{SessionDuration: duration.MustParse("days=1"), IdleTimeout: duration.MustParse("minutes=30")},
			0, 30 * time.Minute, session.CauseIdle},
		{"idle before the limit of the browser's session", loginstage.Config{IdleTimeout: duration.MustParse("minutes=30")}, 0, 30 * time.Minute, session.CauseIdle},
		{"idle after it", loginstage.Config{IdleTimeout: duration.MustParse("days=2")}, 0, day, session.CauseIdle},
		{"until the browser closes, unused", loginstage.Config{}, 0, day, session.CauseIdle},
		{"until the browser closes, set", loginstage.Config{BrowserSessionLimit: duration.MustParse("hours=1")}, 0, time.Hour, session.CauseIdle},
		{"until the browser closes, used", loginstage.Config{}, 12 * time.Hour, 30 * day, session.CauseExpired},
		{"until the browser closes, used, set", loginstage.Config{MaxLifetime: duration.MustParse("days=2")}, 12 * time.Hour, 2 * day, session.CauseExpired},
	} {
		for _, off := range []time.Duration{-1, 0, 1} {
			t.Run(test.name+" "+off.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					stage, browser := open(t, test.config)
					signIn(t, browser, "ada")
					token := browser.Cookie(cookie)
					end := time.Now().Add(test.limit + off)
					if test.use > 0 {
						for time.Until(end) > test.use+1 {
							time.Sleep(test.use)
							require.Equal(t, "ada", whoami(browser))
						}
					}
					time.Sleep(time.Until(end))
					// A client that keeps the cookie for ever.
					hoarder := loginstagetest.NewBrowser(t, app(stage.UserLogin))
					hoarder.SetCookie(&http.Cookie{Name: cookie, Value: token, Path: "/", Secure: true})
					if off < 0 {
						assert.Equal(t, "ada", whoami(hoarder))
						assert.Empty(t, stage.Events.Of(loginstage.ActionLogout))
						return
					}
					assert.Empty(t, sessions(t, stage, "ada"), "it is not listed, seen or not")
					response := hoarder.Get("/whoami")
					assert.Equal(t, "nobody", response.Text)
					assert.Empty(t, response.Header["Set-Cookie"], "a sign-in that is under way may have set another")
					assert.Equal(t, []session.Cause{test.cause}, causes(stage, loginstage.ActionLogout))
					assert.Equal(t, string(test.cause), hoarder.Get("/login").Text)
				})
			})
		}
	}
}

func TestLimitIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage, browser := open(t, loginstage.Config{SessionDuration: duration.MustParse("hours=1")})
		signIn(t, browser, "ada")
		browsers := []*loginstagetest.Browser{browser.Clone(), browser.Clone(), browser.Clone(), browser.Clone()}
		for _, b := range browsers {
			b.SetCookie(&http.Cookie{Name: cookie, Value: browser.Cookie(cookie), Path: "/", Secure: true})
		}
		time.Sleep(time.Hour)
		for _, who := range atOnce(len(browsers), func(i int) string { return whoami(browsers[i]) }) {
			assert.Equal(t, "nobody", who)
		}
		assert.Len(t, stage.Events.Of(loginstage.ActionLogout), 1)
	})
}
