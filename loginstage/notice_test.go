package loginstage_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
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

func TestNotMe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, loginstage.Config{RememberDevice: duration.MustParse("days=30")})
		own, thief := hostOf(t, stage), hostOf(t, stage)
		own.signIn(loginstage.User{ID: "ada"})
		secret, err := stage.Notice(t.Context(), thief.signIn(loginstage.User{ID: "ada"}))
		require.NoError(t, err)
		require.NoError(t, thief.do("/again"), "the session has another token by now")
		_, err = stage.CredentialsChanged(t.Context(), "ada", "password", thief.started.ID, "ada")
		require.NoError(t, err, "and the thief has changed the password")
		own.signIn(loginstage.User{ID: "ada"})

		user, err := stage.NotMe(t.Context(), secret)
		require.NoError(t, err)
		assert.Equal(t, "ada", user)
		assert.Equal(t, denied, thief.status("/private"))
		assert.Equal(t, passes, own.status("/private"))
		devices, err := stage.Devices(t.Context(), "ada")
		require.NoError(t, err)
		assert.Empty(t, devices)
		_, err = stage.NotMe(t.Context(), secret)
		var ended *session.EndedError
		require.ErrorAs(t, err, &ended, "once")
	})
}

func TestNotMeTakesNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, loginstage.Config{})
		s := h.signIn(loginstage.User{ID: "ada"})
		secret, err := h.stage.Notice(t.Context(), s)
		require.NoError(t, err)
		for _, other := range []string{"", "x", h.Cookie(cookie), session.NewToken("ada").Secret(), s.ID.String()} {
			_, err := h.stage.NotMe(t.Context(), other)
			require.ErrorIs(t, err, session.ErrNotFound)
		}
		h.SetCookie(&http.Cookie{Name: cookie, Value: secret, Path: "/", Secure: true})
		assert.Equal(t, denied, h.status("/private"), "it signs nobody in")
		time.Sleep(14 * 24 * time.Hour)
		_, err = h.stage.NotMe(t.Context(), secret)
		require.Error(t, err, "too old")
		for _, event := range h.stage.Events.Of(loginstage.ActionLogout) {
			assert.NotEqual(t, session.CauseRevoked, event.Cause)
		}
	})
}

// Of many who click at once one ends the session, also while it is renewed.
func TestNotMeAtOnce(t *testing.T) {
	for range 20 {
		h := newHost(t, loginstage.Config{})
		secret, err := h.stage.Notice(t.Context(), h.signIn(loginstage.User{ID: "ada"}))
		require.NoError(t, err)
		var taken atomic.Int32
		var running sync.WaitGroup
		for range 4 {
			running.Go(func() {
				if _, err := h.stage.NotMe(context.Background(), secret); err == nil {
					taken.Add(1)
				}
			})
		}
		running.Go(func() { h.PostForm("/again", nil) })
		running.Wait()
		require.EqualValues(t, 1, taken.Load())
		require.Empty(t, h.sessions("ada"))
	}
}
