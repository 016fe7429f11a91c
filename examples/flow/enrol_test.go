package main

import (
	"encoding/base32"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
)

// enrolling returns a client of alan's, who has a session that has to be enrolled first,
// and wants to go on to /payouts.
func enrolling(t *testing.T) (*loginstagetest.Stage, http.Handler, client) {
	t.Helper()
	config := settings
	config.LoginURL, config.RequiredURL = "/flow", enrolPath
	stage := loginstagetest.New(t, config)
	api := newAPI(stage.UserLogin, quickAccounts(), sealed(t))
	c := client{loginstagetest.NewBrowser(t, api), t}
	_, asked := c.call("GET", "/flow?next=%2Fpayouts", nil)
	require.Equal(t, "identification", asked["component"])
	for _, answer := range []object{{"user": "alan"}, secret} {
		_, asked = c.call("POST", "/flow", answer)
	}
	require.Equal(t, "stay_signed_in", asked["component"], "he has no second factor to be asked for")
	_, asked = c.call("POST", "/flow", stay)
	require.Equal(t, object{"component": "done", "required": []any{enrolMFA}, "next": "/enrol?next=%2Fpayouts"}, asked)
	return stage, api, c
}

// secretOf returns the secret that an answer offers.
func secretOf(t *testing.T, offered object) []byte {
	t.Helper()
	text, _ := offered["secret"].(string)
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	require.NoError(t, err)
	require.Len(t, key, 20)
	uri, err := url.Parse(offered["uri"].(string))
	require.NoError(t, err)
	require.Equal(t, "otpauth", uri.Scheme)
	require.Equal(t, text, uri.Query().Get("secret"))
	return key
}

func codeNow(key []byte) string { return codeAt(key, time.Now().Unix()/timeStep) }

func TestASecondFactorIsEnrolledBeforeAnythingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage, api, c := enrolling(t)
		status, refused := c.call("GET", "/me", nil)
		assert.Equal(t, http.StatusForbidden, status)
		assert.Equal(t, []any{enrolMFA}, refused["required"])
		page := httptest.NewRequest("GET", "/payouts?page=2", nil)
		page.Header.Set("Accept", "text/html")
		assert.Equal(t, "/enrol?next=%2Fpayouts%3Fpage%3D2", c.Do(page).Header.Get("Location"), "the wanted page is kept")

		_, offered := c.call("GET", "/enrol?next=%2Fpayouts", nil)
		key := secretOf(t, offered)
		_, again := c.call("GET", "/enrol", nil)
		assert.Equal(t, offered, again, "an app that has read it need not read another")
		for _, wrong := range []any{object{"code": "000000"}, object{"code": ""}, object{}, []int{1}} {
			status, _ = c.call("POST", "/enrol", wrong)
			assert.Equal(t, http.StatusUnprocessableEntity, status, wrong)
		}
		status, _ = c.call("GET", "/me", nil)
		assert.Equal(t, http.StatusForbidden, status)

		thief := client{c.Clone(), t} // who has the token of before
		status, done := c.call("POST", "/enrol?next=%2Fpayouts", object{"code": codeNow(key)})
		require.Equal(t, http.StatusOK, status, done)
		assert.Equal(t, object{"component": "done", "next": "/payouts"}, done)
		status, _ = c.call("GET", "/payouts", nil)
		assert.Equal(t, http.StatusOK, status, "both factors were proved")
		status, _ = thief.call("GET", "/payouts", nil)
		assert.Equal(t, http.StatusUnauthorized, status)
		sessions, err := stage.Sessions(t.Context(), "alan")
		require.NoError(t, err)
		require.Len(t, sessions, 1)
		assert.Equal(t, []string{"pwd", "otp"}, sessions[0].AMR)
		assert.Equal(t, loginstage.ACRAAL2, sessions[0].ACR)
		assert.Empty(t, sessions[0].Required)

		status, _ = c.call("GET", "/enrol", nil)
		assert.Equal(t, http.StatusConflict, status, "a thief of the session gets no other secret")
		status, _ = c.call("POST", "/enrol", object{"code": codeNow(key)})
		assert.Equal(t, http.StatusUnprocessableEntity, status)

		time.Sleep(time.Minute) // for the next code
		next := client{loginstagetest.NewBrowser(t, api), t}
		_, asked := next.answers(object{"user": "alan"}, secret)
		assert.Equal(t, "totp", asked["component"])
		for _, answer := range []object{{"code": codeNow(key)}, stay} {
			_, asked = next.call("POST", "/flow", answer)
		}
		assert.Equal(t, object{"component": "done", "next": "/"}, asked)
		status, _ = next.call("GET", "/payouts", nil)
		assert.Equal(t, http.StatusOK, status)
	})
}

// One factor does not open what takes two.
func TestAPasswordAloneIsNotTwoFactors(t *testing.T) {
	c := open(t, settings)
	c.answers(ada, secret, stay)
	status, _ := c.call("GET", "/me", nil)
	assert.Equal(t, http.StatusOK, status)
	response := c.Call("GET", "/payouts", nil)
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
	assert.Contains(t, response.Header.Get("WWW-Authenticate"), `acr_values="aal2"`)
}

// Who finds a session that was left open enrols nothing.
func TestEnrollingTakesAPasswordOfLately(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, c := enrolling(t)
		_, offered := c.call("GET", "/enrol", nil)
		time.Sleep(enrolFresh + time.Second)
		for _, method := range []string{"GET", "POST"} {
			response := c.Call(method, "/enrol", object{"code": codeNow(secretOf(t, offered))})
			assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
			assert.Contains(t, response.Header.Get("WWW-Authenticate"), "max_age")
		}
	})
}

// What was signed in with the password alone does not outlive the enrolment.
func TestEnrollingEndsWhatWasSignedInWithOneFactor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage, api, c := enrolling(t)
		other := client{loginstagetest.NewBrowser(t, api), t}
		other.answers(object{"user": "alan"}, secret, stay)
		_, offered := c.call("GET", "/enrol", nil)
		status, _ := c.call("POST", "/enrol", object{"code": codeNow(secretOf(t, offered))})
		require.Equal(t, http.StatusOK, status)
		status, _ = other.call("POST", "/enrol", object{"code": "000000"})
		assert.Equal(t, http.StatusUnauthorized, status)
		assert.Equal(t, session.CauseCredentialsChanged, stage.Events.Of(loginstage.ActionLogout)[0].Cause)
	})
}

func TestNobodyEnrolsWhoIsNotSignedIn(t *testing.T) {
	c := open(t, settings)
	for _, method := range []string{"GET", "POST"} {
		status, _ := c.call(method, "/enrol", object{"code": "000000"})
		assert.Equal(t, http.StatusUnauthorized, status)
	}
}

// Guesses are few: a wrong code counts as one does at a sign-in.
func TestWrongCodesBlockAnEnrolment(t *testing.T) {
	known, now := quickAccounts(), time.Unix(1_700_000_010, 0)
	key, ok := known.offerCodes("alan")
	require.True(t, ok)
	right := func(at time.Time) string { return codeAt(key, at.Unix()/timeStep) }
	for range maxWrongCodes {
		assert.False(t, known.enrolCodes("alan", "wrong", now))
	}
	assert.False(t, known.enrolCodes("alan", right(now), now))
	over := now.Add(codesBlocked)
	assert.True(t, known.enrolCodes("alan", right(over), over))
	assert.False(t, known.useCode("alan", right(over), over), "a code is right once")
}
