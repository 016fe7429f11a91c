package loginstage_test

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

func TestReauthenticate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, loginstage.Config{SessionDuration: duration.MustParse("hours=8"), IdleTimeout: duration.MustParse("hours=1")})
		user := full()
		user.Required = nil
		before := h.signIn(user)
		changed, err := h.stage.SetValue(t.Context(), before, "changed")
		require.NoError(t, err)
		thief := h.Clone()

		time.Sleep(time.Hour - time.Nanosecond)
		h.user = loginstage.User{ID: "ada", AMR: []string{"hwk"}, ACR: loginstage.ACRAAL3}
		require.NoError(t, h.do("/again"))
		after := h.started
		assert.Equal(t, []session.Session{after}, h.sessions("ada"), "one session in the list")
		assert.NotEqual(t, before.ID, after.ID)
		assert.Equal(t, before.ID, after.Lineage)
		assert.Equal(t, before.Created, after.Created)
		assert.Equal(t, time.Now().UTC(), after.AuthTime)
		assert.Equal(t, time.Now().UTC(), after.LastSeen)
		assert.Equal(t, time.Now().UTC().Add(8*time.Hour), after.Expires)
		assert.Equal(t, []string{"hwk"}, after.AMR)
		assert.Equal(t, loginstage.ACRAAL3, after.ACR)
		assert.Equal(t, changed.Value, after.Value, "the host's value stays")
		assert.Equal(t, "acme", after.Tenant)
		assert.Equal(t, "password", after.Method)
		assert.Equal(t, denied, thief.Call("GET", "/private", nil).StatusCode, "the token before is dead")

		h.user = loginstage.User{ID: "ada"}
		require.NoError(t, h.do("/again"))
		assert.Equal(t, before.ID, h.started.Lineage, "that of the first")
		time.Sleep(time.Hour - time.Nanosecond)
		assert.Equal(t, passes, h.status("/private"), "not idle yet")
		assert.Empty(t, h.stage.Events.Of(loginstage.ActionLogout))
		assert.Len(t, h.stage.Events.Of(loginstage.ActionRenew), 2)
		assert.Len(t, h.stage.Events.Of(loginstage.ActionConfirm), 2)
	})
}

// Who chose to stay signed in stays so; who did not does not.
func TestReauthenticateKeepsTheChoice(t *testing.T) {
	for name, test := range map[string]struct {
		session string
		lasts   time.Duration
	}{"beside a lifetime": {"hours=8", 8*time.Hour + 30*24*time.Hour}, "beside the browser's": {"", 30 * 24 * time.Hour}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := loginstage.Config{StaySignedInOffset: duration.MustParse("days=30")}
				if test.session != "" {
					config.SessionDuration = duration.MustParse(test.session)
				}
				h := newHost(t, config)
				h.signIn(loginstage.User{ID: "ada"})
				require.NoError(t, h.do("/finish"))
				for range 2 {
					time.Sleep(24 * time.Hour)
					require.NoError(t, h.do("/again"))
					assert.Equal(t, test.lasts, h.started.MaxAge)
					assert.Equal(t, time.Now().UTC().Add(test.lasts), h.started.Expires)
				}
			})
		})
	}
}

// The limits are as the settings are when the user is proved again.
func TestReauthenticateHoldsToTheSettingsOfNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		h := newHost(t, loginstage.Config{Store: store, SessionDuration: duration.MustParse("hours=8"), StaySignedInOffset: duration.MustParse("days=30")})
		h.signIn(loginstage.User{ID: "ada"})
		require.NoError(t, h.do("/finish"))
		restarted := newHost(t, loginstage.Config{Store: store, SessionDuration: duration.MustParse("hours=1"), IdleTimeout: duration.MustParse("minutes=15")})
		restarted.SetCookie(&http.Cookie{Name: cookie, Value: h.Cookie(cookie), Path: "/", Secure: true})
		require.NoError(t, restarted.do("/again"))
		assert.Equal(t, time.Now().UTC().Add(time.Hour), restarted.started.Expires)
		assert.Equal(t, 15*time.Minute, restarted.started.Idle)
	})
}

// A change that is made while the user is proved again is not lost.
func TestReauthenticateBesideAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &changesAfterGet{Store: memstore.New()}
		h := newHost(t, loginstage.Config{Store: store})
		h.signIn(loginstage.User{ID: "ada", Value: 0})
		store.left = 3
		require.NoError(t, h.do("/again"))
		value, err := session.ValueOf[int](h.sessions("ada")[0])
		require.NoError(t, err)
		assert.Equal(t, 3, value)
		store.left = 1000
		require.ErrorIs(t, h.do("/again"), session.ErrConflict, "it gives up")
		assert.Len(t, h.sessions("ada"), 1, "the session stays")
		assert.Equal(t, passes, h.status("/private"))
	})
}

// changesAfterGet changes each session just after it was got, so many times.
type changesAfterGet struct {
	session.Store
	left, made int
}

func (s *changesAfterGet) Get(ctx context.Context, id session.ID) (session.Session, error) {
	got, err := s.Store.Get(ctx, id)
	if s.left > 0 && err == nil {
		s.left--
		s.made++
		_, err = s.Update(ctx, id, session.Update{Version: got.Version, Value: []byte(strconv.Itoa(s.made))})
	}
	return got, err
}

// Whether the user chose to stay signed in is the user's choice, and not what the session's
// limit looks like beside settings that have changed since.
func TestReauthenticationKeepsTheChoiceToStay(t *testing.T) {
	for name, test := range map[string]struct {
		stay bool
		want time.Duration
	}{"chosen": {true, 25 * time.Hour}, "not chosen": {false, time.Hour}} {
		t.Run(name, func(t *testing.T) {
			stage := loginstagetest.New(t, loginstage.Config{
				SessionDuration: duration.MustParse("hours=12"), StaySignedInOffset: duration.MustParse("days=30"),
			})
			mux := http.NewServeMux()
			mux.Handle("/", app(stage.UserLogin))
			mux.HandleFunc("/again", func(w http.ResponseWriter, r *http.Request) {
				_, err := stage.Reauthenticate(w, r, loginstage.User{ID: "ada"})
				assert.NoError(t, err)
			})
			browser := loginstagetest.NewBrowser(t, mux)
			browser.PostForm("/begin?user=ada", nil)
			finish := "/finish"
			if test.stay {
				finish += "?stay=1"
			}
			require.Equal(t, http.StatusOK, browser.PostForm(finish, nil).StatusCode)
			for range 2 {
				apply(t, stage, func(s *loginstage.Settings) {
					s.SessionDuration, s.StaySignedInOffset = duration.MustParse("hours=1"), duration.MustParse("days=1")
				})
				browser.PostForm("/again", nil)
				assert.Equal(t, test.want, sessions(t, stage, "ada")[0].MaxAge)
			}
			apply(t, stage, func(s *loginstage.Settings) { s.StaySignedInOffset = 0 })
			browser.PostForm("/again", nil)
			assert.Equal(t, time.Hour, sessions(t, stage, "ada")[0].MaxAge, "nobody stays signed in any more")
		})
	}
}
