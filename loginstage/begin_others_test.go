package loginstage_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
)

func TestTerminateOtherSessionsLeavesOne(t *testing.T) {
	forEachWay(t, func(t *testing.T, config loginstage.Config) {
		const parallel = 16
		config.TerminateOtherSessions = true
		synctest.Test(t, func(t *testing.T) {
			stage := loginstagetest.New(t, config)
			var browsers []*loginstagetest.Browser
			for range parallel {
				browser := loginstagetest.NewBrowser(t, app(stage.UserLogin))
				browser.PostForm("/begin?user=ada", nil)
				browsers = append(browsers, browser)
			}
			bystander := loginstagetest.NewBrowser(t, app(stage.UserLogin))
			signIn(t, bystander, "bob")
			stage.Events.Reset()

			for _, status := range atOnce(parallel, func(i int) int {
				if config.StaySignedInOffset > 0 {
					return browsers[i].PostForm("/finish", nil).StatusCode
				}
				return browsers[i].PostForm("/begin?user=ada", nil).StatusCode
			}) {
				require.Equal(t, http.StatusOK, status, "every sign-in is one, if only for an instant")
			}
			survivors := 0
			for _, browser := range browsers {
				if whoami(browser) == "ada" {
					survivors++
				}
			}
			assert.Equal(t, 1, survivors)
			assert.Len(t, sessions(t, stage, "ada"), 1)
			assert.Equal(t, "bob", whoami(bystander))
			assert.Len(t, stage.Events.Of(loginstage.ActionLogin), parallel)
			assert.Contains(t, causes(stage, loginstage.ActionLogout), session.CauseTerminated)
		})
	})
}

func TestOtherSessionsLiveOnUnlessTold(t *testing.T) {
	stage, first := open(t, loginstage.Config{})
	second := loginstagetest.NewBrowser(t, app(stage.UserLogin))
	signIn(t, first, "ada")
	signIn(t, second, "ada")
	assert.Equal(t, "ada", whoami(first))
	assert.Equal(t, "ada", whoami(second))
}

// What waits for an answer is no session yet, so it is not among the others.
func TestTerminateOtherSessionsLeavesChallenges(t *testing.T) {
	config := asking
	config.TerminateOtherSessions = true
	stage, first := open(t, config)
	second := loginstagetest.NewBrowser(t, app(stage.UserLogin))
	begin(t, first, "ada")
	signIn(t, second, "ada")
	assert.Equal(t, http.StatusOK, first.PostForm("/finish", nil).StatusCode)
	assert.Equal(t, "ada", whoami(first))
	assert.Equal(t, "nobody", whoami(second))
	assert.Len(t, sessions(t, stage, "ada"), 1)
}

func TestTheEventOfATermination(t *testing.T) {
	stage, first := open(t, loginstage.Config{TerminateOtherSessions: true})
	second := loginstagetest.NewBrowser(t, app(stage.UserLogin))
	signIn(t, first, "ada")
	id := sessions(t, stage, "ada")[0].ID
	signIn(t, second, "ada")
	event := stage.Events.Of(loginstage.ActionLogout)[0]
	assert.Equal(t, session.CauseTerminated, event.Cause)
	assert.Equal(t, id, event.Session)
	assert.Equal(t, "ada", event.Actor)
	assert.Equal(t, "Signed in elsewhere", event.Context.LogoutReason)
	assert.Equal(t, "/begin", event.Context.HTTPRequest.Path)
	assert.Equal(t, string(session.CauseTerminated), first.Get("/login").Text)
}

func TestMaxSessionsEndsTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, loginstage.Config{MaxSessions: 3})
		var browsers []*loginstagetest.Browser
		for i := range 5 {
			browsers = append(browsers, loginstagetest.NewBrowser(t, app(stage.UserLogin)))
			signIn(t, browsers[i], "ada")
			time.Sleep(time.Second)
			require.Len(t, sessions(t, stage, "ada"), min(i+1, 3))
		}
		for i, who := range []string{"nobody", "nobody", "ada", "ada", "ada"} {
			assert.Equal(t, who, whoami(browsers[i]), i)
		}
		assert.Equal(t, []session.Cause{session.CauseMaxSessions, session.CauseMaxSessions}, causes(stage, loginstage.ActionLogout))

		signIn(t, browsers[2], "ada")
		assert.Equal(t, "ada", whoami(browsers[3]), "the one that is replaced makes the room")
	})
}

func TestMaxSessionsHoldsAtOnce(t *testing.T) {
	stage, _ := open(t, loginstage.Config{MaxSessions: 3})
	atOnce(16, func(int) bool {
		signIn(t, loginstagetest.NewBrowser(t, app(stage.UserLogin)), "ada")
		return true
	})
	assert.Len(t, sessions(t, stage, "ada"), 3)
}
