package loginstage_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
)

// pendingCookie is the name of the cookie of a sign-in that waits for an answer.
const pendingCookie = cookie + "_pending"

// with returns a browser that has the token and nothing else.
func with(t *testing.T, stage *loginstagetest.Stage, token string) *loginstagetest.Browser {
	browser := loginstagetest.NewBrowser(t, app(stage.UserLogin))
	browser.SetCookie(&http.Cookie{Name: cookie, Value: token, Path: "/", Secure: true})
	return browser
}

// forEachWay runs test with a stage that signs in at once, and with one that asks.
func forEachWay(t *testing.T, test func(t *testing.T, config loginstage.Config)) {
	t.Run("at once", func(t *testing.T) { test(t, loginstage.Config{}) })
	t.Run("asked", func(t *testing.T) { test(t, asking) })
}

func TestATokenThatTheClientMadeUpIsNeverAdopted(t *testing.T) {
	forEachWay(t, func(t *testing.T, config loginstage.Config) {
		stage, _ := open(t, config)
		madeUp := session.NewToken("ada").Secret()
		victim := with(t, stage, madeUp)
		signIn(t, victim, "ada")
		assert.Equal(t, "ada", whoami(victim))
		assert.NotEqual(t, madeUp, victim.Cookie(cookie))
		assert.Equal(t, "nobody", whoami(with(t, stage, madeUp)))
	})
}

func TestThePendingTokenIsDeadAfterTheAnswer(t *testing.T) {
	stage, browser := open(t, asking)
	begin(t, browser, "ada")
	pending := browser.Cookie(pendingCookie)
	require.NotEmpty(t, pending)
	require.Equal(t, http.StatusOK, browser.PostForm("/finish", nil).StatusCode)
	assert.NotEqual(t, pending, browser.Cookie(cookie))
	assert.Empty(t, browser.Cookie(pendingCookie))
	thief := with(t, stage, pending)
	assert.Equal(t, "nobody", whoami(thief))
	thief.SetCookie(&http.Cookie{Name: pendingCookie, Value: pending, Path: "/", Secure: true})
	assert.Equal(t, http.StatusConflict, thief.PostForm("/finish", nil).StatusCode)
}

func TestThePendingTokenIsDeadAfterAnotherBeginning(t *testing.T) {
	stage, browser := open(t, asking)
	begin(t, browser, "ada")
	first := browser.Clone()
	begin(t, browser, "bob")
	assert.Equal(t, http.StatusConflict, first.PostForm("/finish", nil).StatusCode)
	require.Equal(t, http.StatusOK, browser.PostForm("/finish", nil).StatusCode)
	assert.Equal(t, "bob", whoami(browser))
	assert.Empty(t, sessions(t, stage, "ada"))
}

func TestTheTokenOfAnotherUserIsDeadAfterTheSignIn(t *testing.T) {
	forEachWay(t, func(t *testing.T, config loginstage.Config) {
		stage, browser := open(t, config)
		signIn(t, browser, "ada")
		before := browser.Cookie(cookie)
		signIn(t, browser, "bob")
		assert.Equal(t, "bob", whoami(browser))
		assert.Equal(t, "nobody", whoami(with(t, stage, before)))
		assert.Empty(t, sessions(t, stage, "ada"))
		assert.Equal(t, []session.Cause{session.CauseReplaced}, causes(stage, loginstage.ActionLogout))
		assert.Equal(t, "ada", stage.Events.Of(loginstage.ActionLogout)[0].User)
	})
}

func TestSigningInAgainLeavesOneSession(t *testing.T) {
	forEachWay(t, func(t *testing.T, config loginstage.Config) {
		stage, browser := open(t, config)
		tokens := map[string]bool{}
		for range 3 {
			signIn(t, browser, "ada")
			tokens[browser.Cookie(cookie)] = true
			require.Len(t, sessions(t, stage, "ada"), 1)
		}
		assert.Len(t, tokens, 3)
		delete(tokens, browser.Cookie(cookie))
		for token := range tokens {
			assert.Equal(t, "nobody", whoami(with(t, stage, token)))
		}
		assert.Equal(t, []session.Cause{session.CauseReplaced, session.CauseReplaced}, causes(stage, loginstage.ActionLogout))
	})
}
