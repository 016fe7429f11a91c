package loginstage_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
)

// A host that asks on a page of its own finds the challenge again, until it is
// answered.
func TestChallengeIsFoundAgain(t *testing.T) {
	login, err := loginstage.New(asking)
	require.NoError(t, err)
	request := func(from http.ResponseWriter) *http.Request {
		r := httptest.NewRequest(http.MethodGet, "/prompt", nil)
		if w, ok := from.(*httptest.ResponseRecorder); ok {
			for _, c := range w.Result().Cookies() {
				r.AddCookie(c)
			}
		}
		return r
	}
	_, err = login.Challenge(request(nil))
	require.ErrorIs(t, err, loginstage.ErrNoChallenge)

	w := httptest.NewRecorder()
	begun, err := login.Begin(w, request(nil), loginstage.User{ID: "ada", Name: "Ada"})
	require.NoError(t, err)
	found, err := login.Challenge(request(w))
	require.NoError(t, err)
	assert.Equal(t, begun, found)

	finished := httptest.NewRecorder()
	require.NoError(t, login.Finish(finished, request(w), loginstage.Answer{}))
	for _, response := range []*httptest.ResponseRecorder{w, finished} {
		_, err = login.Challenge(request(response))
		assert.ErrorIs(t, err, loginstage.ErrNoChallenge)
	}
}
