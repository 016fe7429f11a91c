package loginstage_test

import (
	"context"
	"encoding/json"
	"net/http"
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

var asking = loginstage.Config{SessionDuration: duration.MustParse("hours=12"), StaySignedInOffset: duration.MustParse("weeks=2")}

func begin(t *testing.T, browser *loginstagetest.Browser, user string) {
	t.Helper()
	require.Equal(t, http.StatusAccepted, browser.PostForm("/begin?user="+user, nil).StatusCode)
}

// lateStart is a store in which a session starts a second after it was asked to.
type lateStart struct{ *loginstagetest.Store }

func (s lateStart) Start(ctx context.Context, started session.Session, replace session.Replace) ([]session.Ended, error) {
	time.Sleep(time.Second)
	return s.Store.Start(ctx, started, replace)
}

// All find the challenge unanswered, and one answers it.
func TestFinishConsumesTheChallengeOnceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := asking
		config.Store = lateStart{loginstagetest.NewStore(nil)}
		stage, browser := open(t, config)
		begin(t, browser, "ada")
		var browsers []*loginstagetest.Browser
		for range 16 {
			browsers = append(browsers, browser.Clone())
		}
		answers := map[int]int{}
		for _, status := range atOnce(len(browsers), func(i int) int { return browsers[i].PostForm("/finish?stay=1", nil).StatusCode }) {
			answers[status]++
		}
		require.Equal(t, map[int]int{http.StatusOK: 1, http.StatusConflict: 15}, answers)
		require.Len(t, sessions(t, stage, "ada"), 1)
		require.Len(t, stage.Events.Events(), 1, "one login, and no word of the pending session")

		signedIn := 0
		for _, b := range browsers {
			if whoami(b) == "ada" {
				signedIn++
			}
		}
		require.Equal(t, 1, signedIn)
	})
}

func TestFinishConsumesTheChallengeOnceAfterAnother(t *testing.T) {
	stage, browser := open(t, asking)
	begin(t, browser, "ada")
	again := browser.Clone() // the button pressed twice
	require.Equal(t, http.StatusOK, browser.PostForm("/finish", nil).StatusCode)
	assert.Equal(t, http.StatusConflict, again.PostForm("/finish?stay=1", nil).StatusCode)
	assert.Equal(t, http.StatusConflict, browser.PostForm("/finish?stay=1", nil).StatusCode)
	assert.Equal(t, "ada", whoami(browser))
	assert.Len(t, sessions(t, stage, "ada"), 1)
	assert.Equal(t, 12*time.Hour, sessions(t, stage, "ada")[0].MaxAge, "the first answer counts")
}

func TestFinishWithoutAChallenge(t *testing.T) {
	_, browser := open(t, asking)
	assert.Equal(t, http.StatusConflict, browser.PostForm("/finish", nil).StatusCode)
	browser.SetCookie(&http.Cookie{Name: cookie, Value: session.NewToken("ada").Secret(), Path: "/", Secure: true})
	assert.Equal(t, http.StatusConflict, browser.PostForm("/finish", nil).StatusCode)
	assert.Equal(t, "nobody", whoami(browser))
}

func TestChallengeExpires(t *testing.T) {
	for _, test := range []struct {
		after  time.Duration
		status int
	}{
		{10*time.Minute - time.Nanosecond, http.StatusOK},
		{10 * time.Minute, http.StatusConflict},
		{10*time.Minute + time.Nanosecond, http.StatusConflict},
	} {
		t.Run(test.after.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stage, browser := open(t, asking)
				begin(t, browser, "ada")
				time.Sleep(test.after)
				assert.Equal(t, test.status, browser.PostForm("/finish", nil).StatusCode)
				assert.Equal(t, test.status == http.StatusOK, whoami(browser) == "ada")
				assert.Empty(t, stage.Events.Of(loginstage.ActionLogout), "nobody was signed in who could be signed out")
			})
		})
	}
}

// The lifetime counts from the answer, not from the question.
func TestSessionBeginsWithTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage, browser := open(t, asking)
		begin(t, browser, "ada")
		time.Sleep(9 * time.Minute)
		browser.PostForm("/finish", nil)
		s := sessions(t, stage, "ada")[0]
		assert.Equal(t, time.Now().UTC(), s.Created)
		assert.Equal(t, s.Created, s.LastSeen)
		assert.Equal(t, s.Created.Add(12*time.Hour), s.Expires)
	})
}

func TestFinishFromElsewhere(t *testing.T) {
	config := asking
	config.GeoIPBinding = binding.GeoIPCountry
	t.Run("where the binding holds", func(t *testing.T) {
		stage, browser := open(t, config)
		begin(t, browser, "ada")
		browser.MoveTo(bindingtest.Munich)
		require.Equal(t, http.StatusOK, browser.PostForm("/finish", nil).StatusCode)
		s := sessions(t, stage, "ada")[0]
		assert.Equal(t, bindingtest.Munich, s.Anchor.IP, "the session was made there")
		assert.Equal(t, "Munich", s.Anchor.Geo.City.Names.English())
	})
	t.Run("where it does not hold", func(t *testing.T) {
		stage, browser := open(t, config)
		begin(t, browser, "ada")
		browser.MoveTo(bindingtest.Paris)
		require.Equal(t, http.StatusMisdirectedRequest, browser.PostForm("/finish", nil).StatusCode)
		event := stage.Events.Last()
		assert.Equal(t, loginstage.ActionLoginDenied, event.Action)
		assert.Equal(t, session.CauseBroken, event.Cause)
		assert.Equal(t, bindingtest.Paris, event.ClientIP)
		assert.Equal(t, "ada", event.User)
		text, err := json.Marshal(event.Context)
		require.NoError(t, err)
		assert.JSONEq(t, `{
			"asn": {"asn":64500,"as_org":"Seine Net","network":"198.51.100.0/27"},
			"geo": {"lat":48.8534,"city":"Paris","long":2.3488,"country":"FR","continent":"EU"},
			"binding": {
				"reason": "geoip.country",
				"previous_value": {"iso_code":"DE","geoname_id":2921044,"names":{"en":"Germany","de":"Deutschland"}},
				"new_value": {"iso_code":"FR","geoname_id":3017382,"names":{"en":"France","de":"Frankreich"}}
			},
			"ip": {"previous":"192.0.2.1","new":"198.51.100.1"},
			"http_request": {"args":{},"path":"/finish","method":"POST","user_agent":"Mozilla/5.0 (test)"}
		}`, string(text), "the event says which fact changed, as that of a session does")
		assert.Len(t, stage.Events.Events(), 1)

		browser.MoveTo(bindingtest.Berlin)
		assert.Equal(t, http.StatusConflict, browser.PostForm("/finish", nil).StatusCode, "the challenge is gone")
		assert.Equal(t, "nobody", whoami(browser))
		assert.Empty(t, sessions(t, stage, "ada"))
	})
	t.Run("many times at once", func(t *testing.T) {
		stage, browser := open(t, config)
		begin(t, browser, "ada")
		browser.MoveTo(bindingtest.Paris)
		for _, status := range atOnce(16, func(int) int { return browser.PostForm("/finish", nil).StatusCode }) {
			assert.Contains(t, []int{http.StatusMisdirectedRequest, http.StatusConflict}, status)
		}
		assert.Len(t, stage.Events.Events(), 1)
	})
}

func TestRevokingAUserRevokesTheChallenge(t *testing.T) {
	stage, browser := open(t, asking)
	begin(t, browser, "ada")
	n, err := stage.RevokeUser(t.Context(), "ada", "admin")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	assert.Equal(t, http.StatusConflict, browser.PostForm("/finish", nil).StatusCode)
	assert.Equal(t, "nobody", whoami(browser))
}

func TestLogoutWithdrawsTheChallenge(t *testing.T) {
	stage, browser := open(t, asking)
	begin(t, browser, "ada")
	kept := browser.Clone()
	require.Equal(t, http.StatusOK, browser.PostForm("/logout", nil).StatusCode)
	assert.Empty(t, browser.Cookie(cookie))
	assert.Equal(t, http.StatusConflict, kept.PostForm("/finish", nil).StatusCode)
	assert.Empty(t, stage.Events.Events())
}
