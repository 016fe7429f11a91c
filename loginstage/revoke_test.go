package loginstage_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

func TestLogout(t *testing.T) {
	stage, browser := open(t, loginstage.Config{})
	other := loginstagetest.NewBrowser(t, app(stage.UserLogin))
	signIn(t, browser, "ada")
	signIn(t, other, "ada")
	token := browser.Cookie(cookie)
	require.Equal(t, http.StatusOK, browser.PostForm("/logout", nil).StatusCode)
	assert.Empty(t, browser.Cookie(cookie))
	assert.Equal(t, "nobody", whoami(browser))
	assert.Equal(t, "nobody", whoami(with(t, stage, token)), "the token is dead on the server")
	assert.Equal(t, "ada", whoami(other))
	assert.Equal(t, []session.Cause{session.CauseSignedOut}, causes(stage, loginstage.ActionLogout))

	require.Equal(t, http.StatusOK, browser.PostForm("/logout", nil).StatusCode, "and again is no error")
	require.Equal(t, http.StatusOK, with(t, stage, token).PostForm("/logout", nil).StatusCode)
	assert.Len(t, stage.Events.Of(loginstage.ActionLogout), 1)
}

func TestLogoutAtOnceIsToldOnce(t *testing.T) {
	stage, browser := open(t, loginstage.Config{})
	signIn(t, browser, "ada")
	token := browser.Cookie(cookie)
	for _, status := range atOnce(16, func(int) int { return with(t, stage, token).PostForm("/logout", nil).StatusCode }) {
		assert.Equal(t, http.StatusOK, status)
	}
	assert.Len(t, stage.Events.Of(loginstage.ActionLogout), 1)
}

// A user who is told that signing out failed can try again, and is not left
// believing that the session has ended.
func TestLogoutThatFailsKeepsTheToken(t *testing.T) {
	store := loginstagetest.NewStore(nil)
	_, browser := open(t, loginstage.Config{Store: store})
	signIn(t, browser, "ada")
	store.Fail(errOut)
	response := browser.PostForm("/logout", nil)
	assert.Equal(t, http.StatusInternalServerError, response.StatusCode)
	assert.Empty(t, response.Header["Set-Cookie"])
	store.Repair()
	assert.Equal(t, "ada", whoami(browser))
	assert.Equal(t, http.StatusOK, browser.PostForm("/logout", nil).StatusCode)
	assert.Equal(t, "nobody", whoami(browser))
}

func TestLogoutWhereTheCarrierFails(t *testing.T) {
	carrier := &carrier{}
	stage, browser := open(t, loginstage.Config{Carrier: carrier})
	signIn(t, browser, "ada")
	carrier.clear = errOut
	assert.Equal(t, http.StatusInternalServerError, browser.PostForm("/logout", nil).StatusCode)
	assert.Empty(t, sessions(t, stage, "ada"), "the session has ended")
	assert.Equal(t, "nobody", whoami(browser))
}

func TestSessionsAreListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, asking)
		for _, agent := range []string{"first", "second"} {
			browser := loginstagetest.NewBrowser(t, app(stage.UserLogin))
			browser.UserAgent = agent
			signIn(t, browser, "ada")
			time.Sleep(time.Second)
		}
		begin(t, loginstagetest.NewBrowser(t, app(stage.UserLogin)), "ada")
		signIn(t, loginstagetest.NewBrowser(t, app(stage.UserLogin)), "bob")
		listed := sessions(t, stage, "ada")
		require.Len(t, listed, 2, "what waits for an answer is not listed")
		assert.Equal(t, "second", listed[0].UserAgent)
		assert.Equal(t, "first", listed[1].UserAgent)
		assert.Empty(t, sessions(t, stage, "eve"))
	})
}

func TestRevoke(t *testing.T) {
	stage, browser := open(t, loginstage.Config{})
	signIn(t, browser, "ada")
	id := sessions(t, stage, "ada")[0].ID
	require.NoError(t, stage.Revoke(t.Context(), "ada", id, "admin"))
	assert.Equal(t, "nobody", whoami(browser))
	assert.Equal(t, string(session.CauseRevoked), browser.Get("/login").Text)

	var ended *session.EndedError
	require.ErrorAs(t, stage.Revoke(t.Context(), "ada", id, "admin"), &ended)
	assert.Equal(t, "admin", ended.Ending.Actor)
	assert.ErrorIs(t, stage.Revoke(t.Context(), "ada", session.ID{}, "admin"), session.ErrNotFound)
	assert.ErrorIs(t, stage.Revoke(t.Context(), "ada", session.NewToken("ada").ID(), "admin"), session.ErrNotFound)
	assert.Len(t, stage.Events.Of(loginstage.ActionLogout), 1)
}

// A list of sessions that is a second old has the ID of before a renewal.
func TestRevokeFollowsARenewal(t *testing.T) {
	h := newHost(t, loginstage.Config{})
	first := h.signIn(loginstage.User{ID: "ada", Required: []string{"terms"}})
	other := hostOf(t, h.stage)
	other.signIn(loginstage.User{ID: "ada"})
	require.NoError(t, h.do("/again"))
	second := h.started
	h.action = "terms"
	require.NoError(t, h.do("/complete"))
	require.Equal(t, passes, h.status("/private"))

	require.ErrorIs(t, h.stage.Revoke(t.Context(), "eve", first.ID, "eve"), session.ErrNotFound, "nobody's but the user's")
	require.Equal(t, passes, h.status("/private"))
	require.NoError(t, h.stage.Revoke(t.Context(), "ada", second.ID, "ada"))
	assert.Equal(t, denied, h.status("/private"))
	assert.Equal(t, passes, other.status("/private"), "no other session ends")
	require.Len(t, h.stage.Events.Of(loginstage.ActionLogout), 1)
	assert.Equal(t, session.CauseRevoked, h.stage.Events.Of(loginstage.ActionLogout)[0].Cause)

	for _, id := range []session.ID{first.ID, second.ID} {
		var ended *session.EndedError
		require.ErrorAs(t, h.stage.Revoke(t.Context(), "ada", id, "ada"), &ended, "what it went on as has ended")
	}
}

// The ID comes from a form, so it can be anybody's.
func TestRevokeIsForTheUsersOwnSessions(t *testing.T) {
	config := asking
	config.RememberDevice = remembering.RememberDevice
	stage, ada := open(t, config)
	signIn(t, ada, "ada")
	eve := loginstagetest.NewBrowser(t, app(stage.UserLogin))
	signIn(t, eve, "eve")
	id := sessions(t, stage, "ada")[0].ID
	assert.ErrorIs(t, stage.Revoke(t.Context(), "eve", id, "eve"), session.ErrNotFound)
	assert.Equal(t, "ada", whoami(ada))

	require.NoError(t, stage.Revoke(t.Context(), "ada", id, "ada"))
	err := stage.Revoke(t.Context(), "eve", id, "eve")
	assert.ErrorIs(t, err, session.ErrNotFound, "nor can eve find out that it was one")
	assert.NotContains(t, err.Error(), "ada")

	device, parseErr := session.ParseToken(ada.Cookie(deviceCookie("ada")))
	require.NoError(t, parseErr)
	assert.ErrorIs(t, stage.Revoke(t.Context(), "ada", device.ID(), "ada"), session.ErrNotFound, "a device is no session")
}

func TestRevokeOthersKeepsTheCurrentOne(t *testing.T) {
	stage, current := open(t, loginstage.Config{})
	signIn(t, current, "ada")
	id := sessions(t, stage, "ada")[0].ID
	for range 3 {
		signIn(t, loginstagetest.NewBrowser(t, app(stage.UserLogin)), "ada")
	}
	bob := loginstagetest.NewBrowser(t, app(stage.UserLogin))
	signIn(t, bob, "bob")
	n, err := stage.RevokeOthers(t.Context(), "ada", id, "ada")
	require.NoError(t, err)
	assert.Equal(t, 3, n)
	assert.Equal(t, "ada", whoami(current))
	assert.Equal(t, "bob", whoami(bob))
	assert.Len(t, stage.Events.Of(loginstage.ActionLogout), 3)
}

func TestRevokeUser(t *testing.T) {
	stage, browser := open(t, loginstage.Config{})
	signIn(t, browser, "ada")
	signIn(t, loginstagetest.NewBrowser(t, app(stage.UserLogin)), "ada")
	n, err := stage.RevokeUser(t.Context(), "ada", "admin")
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	assert.Equal(t, "nobody", whoami(browser))
	for _, event := range stage.Events.Of(loginstage.ActionLogout) {
		assert.Equal(t, session.CauseRevoked, event.Cause)
		assert.Equal(t, "admin", event.Actor)
		assert.False(t, event.ClientIP.IsValid())
		assert.Nil(t, event.Context.HTTPRequest)
	}
	n, err = stage.RevokeUser(t.Context(), "ada", "admin")
	require.NoError(t, err)
	assert.Zero(t, n)
}

func TestRevokingWithoutAStore(t *testing.T) {
	store := loginstagetest.NewStore(nil)
	stage, browser := open(t, loginstage.Config{Store: store})
	signIn(t, browser, "ada")
	id := sessions(t, stage, "ada")[0].ID
	store.Fail(errOut)
	assert.ErrorIs(t, stage.Revoke(t.Context(), "ada", id, ""), errOut)
	_, err := stage.RevokeOthers(t.Context(), "ada", id, "")
	assert.ErrorIs(t, err, errOut)
	_, err = stage.RevokeUser(t.Context(), "ada", "")
	assert.ErrorIs(t, err, errOut)
	_, err = stage.Sessions(t.Context(), "ada")
	assert.ErrorIs(t, err, errOut)
	_, err = stage.Sweep(t.Context())
	assert.ErrorIs(t, err, errOut)
	store.Repair()
	assert.Equal(t, "ada", whoami(browser))
}

func TestSweepFreesWhatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage, browser := open(t, loginstage.Config{SessionDuration: 3600e9})
		signIn(t, browser, "ada")
		n, err := stage.Sweep(t.Context())
		require.NoError(t, err)
		assert.Zero(t, n)
		time.Sleep(time.Hour)
		n, err = stage.Sweep(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 1, n)
	})
}

func TestConfirmNeedsASession(t *testing.T) {
	stage, browser := open(t, remembering)
	r := httptest.NewRequest("POST", "/", nil)
	assert.ErrorIs(t, stage.Confirm(httptest.NewRecorder(), r, loginstage.User{ID: "ada"}), session.ErrNotFound)
	signIn(t, browser, "ada")
	r.AddCookie(&http.Cookie{Name: cookie, Value: browser.Cookie(deviceCookie("ada"))})
	assert.ErrorIs(t, stage.Confirm(httptest.NewRecorder(), r, loginstage.User{ID: "ada"}), session.ErrNotFound, "a device is none")
}

// halfway is a store that ends some of a user's sessions and then fails.
type halfway struct{ *loginstagetest.Store }

func (h halfway) EndUser(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error) {
	ended, err := h.Store.EndUser(ctx, user, keep, ending, kinds...)
	return ended, errors.Join(err, errOut)
}

// What was ended before the store failed stays ended, is counted and is told.
func TestRevokingThatFailsHalfway(t *testing.T) {
	config := remembering
	config.Store = halfway{loginstagetest.NewStore(nil)}
	for name, revoke := range map[string]func(*loginstagetest.Stage) (int, error){
		"RevokeUser": func(s *loginstagetest.Stage) (int, error) { return s.RevokeUser(t.Context(), "ada", "admin") },
		"RevokeOthers": func(s *loginstagetest.Stage) (int, error) {
			return s.RevokeOthers(t.Context(), "ada", session.NewToken("ada").ID(), "admin")
		},
		"ForgetDevices": func(s *loginstagetest.Stage) (int, error) { return s.ForgetDevices(t.Context(), "ada", "admin") },
	} {
		t.Run(name, func(t *testing.T) {
			stage, _ := open(t, config)
			for range 3 {
				signIn(t, loginstagetest.NewBrowser(t, app(stage.UserLogin)), "ada")
			}
			stage.Events.Reset()
			n, err := revoke(stage)
			assert.ErrorIs(t, err, errOut)
			assert.Equal(t, 3, n)
			assert.Len(t, stage.Events.Events(), 3)
			_, _ = stage.ForgetDevices(t.Context(), "ada", "")
			_, _ = stage.RevokeUser(t.Context(), "ada", "")
		})
	}
}

// The actor is the host's text, and is kept as far as events and stores can.
func TestAnActorIsBounded(t *testing.T) {
	stage, browser := open(t, loginstage.Config{})
	signIn(t, browser, "ada")
	_, err := stage.RevokeUser(t.Context(), "ada", "adm\x00in\u202e"+strings.Repeat("x", 300))
	require.NoError(t, err)
	assert.Equal(t, "admin"+strings.Repeat("x", 246), stage.Events.Last().Actor)
}

// between is a store in which something happens once, before it ends a session or after
// it has started one.
type between struct {
	session.Store
	beforeEnd, afterStart func()
}

func (b *between) Unwrap() session.Store { return b.Store }

func (b *between) End(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	if do := b.beforeEnd; do != nil {
		b.beforeEnd = nil
		do()
	}
	return b.Store.End(ctx, id, ending)
}

func (b *between) Start(ctx context.Context, s session.Session, replace session.Replace) ([]session.Ended, error) {
	ended, err := b.Store.Start(ctx, s, replace)
	if do := b.afterStart; do != nil {
		b.afterStart = nil
		do()
	}
	return ended, err
}

// A session that goes on under another token between the look at it and its end is
// ended all the same.
func TestRenewedWhileItIsBeingEnded(t *testing.T) {
	for name, end := range map[string]func(*loginstagetest.Stage, *loginstagetest.Browser, session.ID) error{
		"logout": func(_ *loginstagetest.Stage, browser *loginstagetest.Browser, _ session.ID) error {
			if answer := browser.PostForm("/logout", nil); answer.StatusCode != http.StatusOK {
				return errors.New(answer.Text)
			}
			return nil
		},
		"revoke": func(stage *loginstagetest.Stage, _ *loginstagetest.Browser, id session.ID) error {
			return stage.Revoke(context.Background(), "ada", id, "ada")
		},
	} {
		store := &between{Store: memstore.New()}
		stage, browser := open(t, loginstage.Config{Store: store})
		signIn(t, browser, "ada")
		id, token := sessions(t, stage, "ada")[0].ID, browser.Cookie(cookie)
		store.beforeEnd = func() {
			r := httptest.NewRequest("POST", "https://app.example/confirm", nil)
			r.AddCookie(&http.Cookie{Name: cookie, Value: token})
			require.NoError(t, stage.Confirm(httptest.NewRecorder(), r, loginstage.User{ID: "ada"}))
			require.Len(t, sessions(t, stage, "ada"), 1)
		}
		require.NoError(t, end(stage, browser, id), name)
		assert.Empty(t, sessions(t, stage, "ada"), name)
		require.NoError(t, stage.Flush(t.Context()))
		assert.Len(t, stage.Events.Of(loginstage.ActionLogout), 1, "%s: told once", name)
	}
}
