package loginstage_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

func TestRequiredActions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, loginstage.Config{RequiredURL: "/todo", StepUpURL: "/prove", SessionDuration: duration.MustParse("hours=8")})
		before := h.signIn(loginstage.User{ID: "ada", Required: []string{"enrol", "terms"}})
		assert.Equal(t, []string{"enrol", "terms"}, h.stage.Events.Of(loginstage.ActionLogin)[0].Context.Required)
		thief := h.Clone()

		assert.Equal(t, passes, h.status("/enrol"), "where the host allows it")
		assert.Equal(t, "/todo?next=%2Fprivate%3Fx%3D1", h.Get("/private?x=1").Header.Get("Location"), "the wanted page is kept")
		answer := h.Call("GET", "/private", nil)
		assert.Equal(t, http.StatusForbidden, answer.StatusCode)
		var problem loginstage.Problem
		require.NoError(t, json.Unmarshal([]byte(answer.Text), &problem))
		assert.Equal(t, loginstage.ProblemRequired, problem.Type)
		assert.Equal(t, []string{"enrol", "terms"}, problem.Required)

		time.Sleep(time.Minute)
		h.action = "sing"
		require.ErrorIs(t, h.do("/complete"), loginstage.ErrNotRequired)
		h.action = "terms"
		require.NoError(t, h.do("/complete"))
		assert.Equal(t, http.StatusForbidden, h.status("/private"), "one is left")
		require.ErrorIs(t, h.do("/complete"), loginstage.ErrNotRequired, "it is done")
		h.action = "enrol"
		require.NoError(t, h.do("/complete"))
		assert.Equal(t, passes, h.status("/private"))
		after := h.sessions("ada")[0]
		assert.Empty(t, after.Required)
		assert.NotEqual(t, before.ID, after.ID, "who may do more has another token")
		assert.Equal(t, denied, thief.Call("GET", "/private", nil).StatusCode)
		assert.Equal(t, before.Expires, after.Expires, "nobody was proved")
		assert.Equal(t, before.Proved(), after.Proved())

		events := h.stage.Events.Of(loginstage.ActionCompleted)
		require.Len(t, events, 2)
		assert.Equal(t, "terms", events[0].Context.Completed)
		assert.Equal(t, []string{"enrol"}, events[0].Context.Required)
		assert.Equal(t, "enrol", events[1].Context.Completed)
		assert.Empty(t, events[1].Context.Required)
		assert.Empty(t, h.stage.Events.Of(loginstage.ActionLogout))
	})
}

// Who is proved again has still to do what is required.
func TestReauthenticateCompletesNothing(t *testing.T) {
	h := newHost(t, loginstage.Config{})
	h.signIn(loginstage.User{ID: "ada", Required: []string{"terms"}})
	require.NoError(t, h.do("/again"))
	assert.Equal(t, http.StatusForbidden, h.status("/private"))
}

func TestCompleteOfWhoIsNotSignedIn(t *testing.T) {
	h := newHost(t, loginstage.Config{})
	h.action = "terms"
	require.ErrorIs(t, h.do("/complete"), session.ErrNotFound)
	s := h.signIn(loginstage.User{ID: "ada", Required: []string{"terms"}})
	require.NoError(t, h.stage.Revoke(t.Context(), "ada", s.ID, "admin"))
	require.Error(t, h.do("/complete"))
	assert.Empty(t, h.sessions("ada"))
}

// Requests that complete all actions at once, of several processes, lose none.
func TestCompleteAtOnce(t *testing.T) {
	for range 20 {
		h := newHost(t, loginstage.Config{})
		actions := []string{"a", "b", "c", "d"}
		h.signIn(loginstage.User{ID: "ada", Required: actions})
		errs := make([]error, len(actions))
		var running sync.WaitGroup
		for i, action := range actions {
			r := httptest.NewRequest("POST", "/", nil)
			r.AddCookie(&http.Cookie{Name: cookie, Value: h.Cookie(cookie)})
			running.Go(func() { errs[i] = h.stage.Complete(httptest.NewRecorder(), r, action) })
		}
		running.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		left := h.sessions("ada")
		require.Len(t, left, 1)
		require.Empty(t, left[0].Required)
		require.Len(t, h.stage.Events.Of(loginstage.ActionCompleted), len(actions))
	}
}
