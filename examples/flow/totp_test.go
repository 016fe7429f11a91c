package main

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

var rfcSecret = []byte("12345678901234567890")

// RFC 6238, appendix B, for SHA-1, with the last six of its eight digits.
func TestCodesAreThoseOfTheRFC(t *testing.T) {
	for unix, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		assert.Equal(t, want, codeAt(rfcSecret, unix/timeStep), unix)
	}
}

func TestACodeIsGoodForItsTimeAndOnce(t *testing.T) {
	now := time.Unix(1_700_000_010, 0)
	step := now.Unix() / timeStep
	for offset, want := range map[int64]bool{-2: false, -1: true, 0: true, 1: true, 2: false} {
		assert.Equal(t, want, quickAccounts().useCode("grace", codeAt(rfcSecret, step+offset), now), offset)
	}
	known := quickAccounts()
	code := codeAt(rfcSecret, step)
	assert.False(t, known.useCode("ada", code, now), "ada has no codes")
	assert.False(t, known.useCode("nobody", code, now))
	assert.False(t, known.useCode("grace", "", now))
	assert.True(t, known.useCode("grace", code, now))
	assert.False(t, known.useCode("grace", code, now), "it was used")
	assert.False(t, known.useCode("grace", codeAt(rfcSecret, step-1), now), "it is older than the one that was used")
	assert.True(t, known.useCode("grace", codeAt(rfcSecret, step+1), now))
}

func TestWrongCodesBlockTheAccountForAWhile(t *testing.T) {
	known, now := quickAccounts(), time.Unix(1_700_000_010, 0)
	right := func(at time.Time) string { return codeAt(rfcSecret, at.Unix()/timeStep) }
	for range maxWrongCodes {
		assert.False(t, known.useCode("grace", "wrong", now))
	}
	almost := now.Add(codesBlocked - 1)
	assert.False(t, known.useCode("grace", right(almost), almost))
	over := now.Add(codesBlocked)
	assert.True(t, known.useCode("grace", right(over), over))
}

var graceSecret = object{"password": "staple the moth here"}

func currentCode() string { return codeAt(rfcSecret, time.Now().Unix()/timeStep) }

func TestGraceIsAskedForACodeAndForTheTermsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, settings)
		api := newAPI(stage.UserLogin, quickAccounts(), sealed(t))
		grace := object{"user": "grace"}
		c := client{loginstagetest.NewBrowser(t, api), t}
		_, asked := c.answers(grace, graceSecret)
		assert.Equal(t, object{"component": "totp", "user": "grace", "question": object{"digits": 6.0}}, asked)
		status, _ := c.call("POST", "/flow", object{"code": "000000"})
		assert.Equal(t, http.StatusUnprocessableEntity, status)
		status, _ = c.call("POST", "/flow", stay)
		assert.Equal(t, http.StatusUnprocessableEntity, status, "no stage can be left out")

		_, asked = c.call("POST", "/flow", object{"code": currentCode()})
		assert.Equal(t, "terms_of_use", asked["component"])
		assert.Equal(t, object{"version": currentTerms, "text": termsText}, asked["question"])
		_, again := c.call("GET", "/flow", nil)
		assert.Equal(t, asked, again)
		for _, answer := range []any{object{"accept": "2020-01"}, object{"accept": true}} {
			status, _ = c.call("POST", "/flow", answer)
			assert.Equal(t, http.StatusUnprocessableEntity, status, answer)
		}
		status, _ = c.call("POST", "/flow", []int{1})
		assert.Equal(t, http.StatusTooManyRequests, status, "wrong answers to all stages count")
		status, _ = c.call("GET", "/me", nil)
		assert.Equal(t, http.StatusUnauthorized, status)

		time.Sleep(time.Minute) // for the next code
		_, asked = c.answers(grace, graceSecret, object{"code": currentCode()}, object{"accept": currentTerms})
		assert.Equal(t, "stay_signed_in", asked["component"])
		c.call("POST", "/flow", stay)
		sessions, err := stage.Sessions(t.Context(), "grace")
		require.NoError(t, err)
		require.Len(t, sessions, 1)
		assert.Equal(t, "password+totp", sessions[0].Method)
		assert.Equal(t, "Grace Hopper", sessions[0].Name)

		time.Sleep(time.Minute)
		next := client{loginstagetest.NewBrowser(t, api), t}
		_, asked = next.answers(grace, graceSecret, object{"code": currentCode()})
		assert.Equal(t, "stay_signed_in", asked["component"], "the terms were accepted before")
	})
}

// A cookie that was copied after the password was right does not sign in after the
// flow has gone on.
func TestAnOlderStateOfAProvedFlowIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, settings)
		c.answers(object{"user": "grace"}, graceSecret)
		copied := c.Clone()
		status, _ := c.call("POST", "/flow", object{"code": "000000"})
		require.Equal(t, http.StatusUnprocessableEntity, status)
		response := copied.Call("POST", "/flow", object{"code": currentCode()})
		assert.Equal(t, http.StatusGone, response.StatusCode)
		assert.True(t, strings.Contains(response.Text, "answered already"), response.Text)
		_, asked := c.call("POST", "/flow", object{"code": currentCode()})
		assert.Equal(t, "terms_of_use", asked["component"])
	})
}
