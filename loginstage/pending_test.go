package loginstage_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
)

// A prompt that is not answered leaves the user signed in, in every tab.
func TestTheSessionLivesUntilTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage, browser := open(t, asking)
		signIn(t, browser, "ada")
		before := browser.Cookie(cookie)
		begin(t, browser, "ada")
		assert.Equal(t, "ada", whoami(browser), "another tab")
		assert.Equal(t, before, browser.Cookie(cookie))
		assert.Len(t, sessions(t, stage, "ada"), 1)

		require.Equal(t, http.StatusOK, browser.PostForm("/finish", nil).StatusCode)
		assert.NotEqual(t, before, browser.Cookie(cookie))
		assert.Equal(t, "nobody", whoami(with(t, stage, before)))
		assert.Equal(t, []session.Cause{session.CauseReplaced}, causes(stage, loginstage.ActionLogout))

		begin(t, browser, "ada")
		time.Sleep(10 * time.Minute)
		assert.Equal(t, http.StatusConflict, browser.PostForm("/finish", nil).StatusCode)
		assert.Equal(t, "ada", whoami(browser), "who did not answer is signed in as before")
		assert.Len(t, sessions(t, stage, "ada"), 1)
	})
}

// The same for somebody else who begins in the browser: who is signed in stays so
// until the answer.
func TestBeginningAsAnotherUser(t *testing.T) {
	stage, browser := open(t, asking)
	signIn(t, browser, "ada")
	begin(t, browser, "bob")
	assert.Equal(t, "ada", whoami(browser))
	require.Equal(t, http.StatusOK, browser.PostForm("/finish", nil).StatusCode)
	assert.Equal(t, "bob", whoami(browser))
	assert.Empty(t, sessions(t, stage, "ada"))
	assert.Len(t, sessions(t, stage, "bob"), 1)
}

// Of two beginnings in one browser the later one is answered.
func TestTwoBeginnings(t *testing.T) {
	stage, browser := open(t, asking)
	begin(t, browser, "ada")
	first := browser.Clone()
	begin(t, browser, "ada")
	assert.Equal(t, http.StatusConflict, first.PostForm("/finish", nil).StatusCode)
	assert.Equal(t, http.StatusOK, browser.PostForm("/finish", nil).StatusCode)
	assert.Equal(t, "ada", whoami(browser))
	assert.Len(t, sessions(t, stage, "ada"), 1)
}

// Two tabs answer at once: one answer counts, and the other takes nothing from it.
func TestFinishFromTwoTabsAtOnce(t *testing.T) {
	for range 10 {
		stage, browser := open(t, asking)
		signIn(t, browser, "ada")
		begin(t, browser, "ada")
		answers := map[int]int{}
		for _, status := range atOnce(2, func(int) int { return browser.PostForm("/finish", nil).StatusCode }) {
			answers[status]++
		}
		assert.Equal(t, map[int]int{http.StatusOK: 1, http.StatusConflict: 1}, answers)
		assert.Equal(t, "ada", whoami(browser))
		assert.Empty(t, browser.Cookie(pendingCookie))
		assert.Len(t, sessions(t, stage, "ada"), 1)
	}
}

// Signing out withdraws a sign-in that waits: the next person at the browser cannot
// answer for the user, even if somebody else is signed in meanwhile.
func TestLogoutWithdrawsAWaitingSignIn(t *testing.T) {
	stage, browser := open(t, asking)
	signIn(t, browser, "bob")
	begin(t, browser, "ada")
	kept := browser.Clone()
	require.Equal(t, http.StatusOK, browser.PostForm("/logout", nil).StatusCode)
	assert.Empty(t, browser.Cookie(cookie))
	assert.Empty(t, browser.Cookie(pendingCookie))
	assert.Equal(t, http.StatusConflict, kept.PostForm("/finish", nil).StatusCode)
	assert.Empty(t, sessions(t, stage, "bob"))
	assert.Empty(t, sessions(t, stage, "ada"))
	assert.Len(t, stage.Events.Of(loginstage.ActionLogout), 1, "bob's")
}

func TestLogoutThatCannotWithdraw(t *testing.T) {
	store := loginstagetest.NewStore(nil)
	config := asking
	config.Store = store
	_, browser := open(t, config)
	begin(t, browser, "ada")
	store.Fail(errOut)
	response := browser.PostForm("/logout", nil)
	assert.Equal(t, http.StatusInternalServerError, response.StatusCode)
	assert.Empty(t, response.Header["Set-Cookie"])
	store.Repair()
	assert.Equal(t, http.StatusOK, browser.PostForm("/logout", nil).StatusCode)
	assert.Empty(t, browser.Cookie(pendingCookie))
}

// The answer to a request that was sent with the token before arrives after that of
// a sign-in in the same browser, and takes nothing from it.
func TestALateAnswerLeavesTheNewToken(t *testing.T) {
	for _, how := range []string{"idle", "broken"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := bound()
				config.IdleTimeout = asking.SessionDuration
				stage := loginstagetest.New(t, config)
				hold := make(chan struct{})
				mux := http.NewServeMux()
				mux.Handle("/poll", stage.Guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hold })))
				mux.Handle("/", stage.Guard(app(stage.UserLogin)))
				browser := loginstagetest.NewBrowser(t, mux)
				signIn(t, browser, "ada")
				poll := func() { browser.Get("/poll") }
				if how == "idle" {
					time.Sleep(13 * time.Hour)
				} else {
					moved := browser.Clone()
					moved.MoveTo(bindingtest.Paris)
					poll = func() {}
					assert.Empty(t, moved.Get("/whoami").Header["Set-Cookie"])
				}
				go poll()
				synctest.Wait()
				signIn(t, browser, "ada")
				token := browser.Cookie(cookie)
				close(hold)
				synctest.Wait()
				assert.Equal(t, token, browser.Cookie(cookie))
				assert.Equal(t, "ada", whoami(browser))
				assert.Len(t, sessions(t, stage, "ada"), 1)
			})
		})
	}
}
