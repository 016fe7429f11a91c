package loginstage_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
)

// witness is a store that notes every ending, from wherever it came.
type witness struct {
	*loginstagetest.Store
	mu        sync.Mutex
	ended     []session.Ended
	failStart bool // after what it replaces has ended
}

func (w *witness) note(ended ...session.Ended) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = append(w.ended, ended...)
}

func (w *witness) Start(ctx context.Context, s session.Session, replace session.Replace) ([]session.Ended, error) {
	ended, err := w.Store.Start(ctx, s, replace)
	w.note(ended...)
	if err == nil && w.failStart {
		_, _ = w.Store.End(ctx, s.ID, session.Ending{}) // it never was
		return ended, errOut
	}
	return ended, err
}

func (w *witness) End(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	s, err := w.Store.End(ctx, id, ending)
	if err == nil {
		w.note(session.Ended{Session: s, Ending: ending})
	}
	return s, err
}

func (w *witness) EndUser(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error) {
	sessions, err := w.Store.EndUser(ctx, user, keep, ending, kinds...)
	for _, s := range sessions {
		w.note(session.Ended{Session: s, Ending: ending})
	}
	return sessions, err
}

// An ending is told once, no matter which step of which call ended the session.
func TestEveryEndingIsTold(t *testing.T) {
	for name, test := range map[string]struct {
		config loginstage.Config
		do     func(t *testing.T, stage *loginstagetest.Stage, store *witness, carrier *carrier, browser *loginstagetest.Browser)
		causes []session.Cause // of the sessions that end
	}{
		"another user in the same browser": {do: func(t *testing.T, _ *loginstagetest.Stage, _ *witness, _ *carrier, b *loginstagetest.Browser) {
			signIn(t, b, "bob")
		}, causes: []session.Cause{session.CauseReplaced}},
		"a token that cannot be given": {do: func(t *testing.T, stage *loginstagetest.Stage, _ *witness, c *carrier, b *loginstagetest.Browser) {
			c.write = errOut
			assert.Equal(t, http.StatusInternalServerError, b.PostForm("/begin?user=bob", nil).StatusCode)
			assert.Empty(t, sessions(t, stage, "bob"))
		}, causes: []session.Cause{session.CauseReplaced, session.CauseNotCarried}},
		"a sign-in that fails when others have ended": {config: loginstage.Config{TerminateOtherSessions: true},
			do: func(t *testing.T, stage *loginstagetest.Stage, store *witness, _ *carrier, _ *loginstagetest.Browser) {
				store.failStart = true
				assert.Equal(t, http.StatusInternalServerError,
					loginstagetest.NewBrowser(t, app(stage.UserLogin)).PostForm("/begin?user=ada", nil).StatusCode)
			}, causes: []session.Cause{session.CauseTerminated}},
		"a sign-in over another user's that fails": {do: func(t *testing.T, _ *loginstagetest.Stage, store *witness, _ *carrier, b *loginstagetest.Browser) {
			store.failStart = true
			assert.Equal(t, http.StatusInternalServerError, b.PostForm("/begin?user=bob", nil).StatusCode)
		}, causes: []session.Cause{session.CauseReplaced}},
		"a device that cannot be remembered": {config: remembering, do: func(t *testing.T, stage *loginstagetest.Stage, store *witness, _ *carrier, b *loginstagetest.Browser) {
			store.failStart = true
			b.PostForm("/begin?user=ada", nil)
		}, causes: []session.Cause{session.CauseReplaced}},
		"a device that has expired": {config: remembering, do: func(t *testing.T, stage *loginstagetest.Stage, _ *witness, _ *carrier, b *loginstagetest.Browser) {
			token := b.Cookie(deviceCookie("ada"))
			time.Sleep(31 * day)
			b.SetCookie(&http.Cookie{Name: deviceCookie("ada"), Value: token, Path: "/", Secure: true})
			signIn(t, b, "ada")
			require.Len(t, stage.Events.Of(loginstage.ActionDeviceForgotten), 1)
		}, causes: []session.Cause{session.CauseReplaced}},
		"a limit that a guard finds": {do: func(_ *testing.T, _ *loginstagetest.Stage, _ *witness, _ *carrier, b *loginstagetest.Browser) {
			time.Sleep(25 * time.Hour)
			b.Get("/whoami")
		}, causes: []session.Cause{session.CauseIdle}},
		"a limit that a sign-out finds": {do: func(_ *testing.T, _ *loginstagetest.Stage, _ *witness, _ *carrier, b *loginstagetest.Browser) {
			time.Sleep(25 * time.Hour)
			b.PostForm("/logout", nil)
		}, causes: []session.Cause{session.CauseIdle}},
		"a limit that a revocation finds": {do: func(t *testing.T, stage *loginstagetest.Stage, _ *witness, _ *carrier, _ *loginstagetest.Browser) {
			id := sessions(t, stage, "ada")[0].ID
			time.Sleep(25 * time.Hour)
			require.Error(t, stage.Revoke(t.Context(), "ada", id, "admin"))
		}, causes: []session.Cause{session.CauseIdle}},
		"a binding, found at once by many": {config: loginstage.Config{GeoIPBinding: binding.GeoIPCountry},
			do: func(_ *testing.T, _ *loginstagetest.Stage, _ *witness, _ *carrier, b *loginstagetest.Browser) {
				b.MoveTo(bindingtest.Paris)
				atOnce(8, func(int) int { return b.Clone().Get("/whoami").StatusCode })
			}, causes: []session.Cause{session.CauseBroken}},
		"all of a user's": {config: remembering, do: func(t *testing.T, stage *loginstagetest.Stage, _ *witness, _ *carrier, _ *loginstagetest.Browser) {
			signIn(t, loginstagetest.NewBrowser(t, app(stage.UserLogin)), "ada")
			_, err := stage.RevokeUser(t.Context(), "ada", "admin")
			require.NoError(t, err)
			_, err = stage.ForgetDevices(t.Context(), "ada", "admin")
			require.NoError(t, err)
		}, causes: []session.Cause{session.CauseRevoked, session.CauseRevoked}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, carrier := &witness{Store: loginstagetest.NewStore(nil)}, &carrier{}
				test.config.Store, test.config.Carrier = store, carrier
				stage, browser := open(t, test.config)
				signIn(t, browser, "ada")
				test.do(t, stage, store, carrier, browser)

				var causes []session.Cause
				told := map[session.ID][]loginstage.Event{}
				for _, e := range stage.Events.Events() {
					if e.Action == loginstage.ActionLogout || e.Action == loginstage.ActionDeviceForgotten {
						told[e.Session] = append(told[e.Session], e)
					}
				}
				for _, ended := range store.ended {
					s := ended.Session
					switch {
					case s.Kind == session.KindSession:
						causes = append(causes, ended.Ending.Cause)
					case s.Kind == session.KindPending, ended.Ending.Cause == session.CauseReplaced:
						continue
					}
					if assert.Len(t, told[s.ID], 1, "%s %s", s.Kind, ended.Ending.Cause) {
						event := told[s.ID][0]
						assert.Equal(t, ended.Ending.Cause, event.Cause)
						assert.Equal(t, s.User, event.User)
						assert.Equal(t, ended.Ending.Actor, event.Actor)
						assert.Equal(t, ended.Ending.Time, event.Time)
						assert.Equal(t, ended.Ending.Client, event.ClientIP)
					}
				}
				assert.ElementsMatch(t, test.causes, causes)
				count := 0
				for _, events := range told {
					count += len(events)
				}
				assert.LessOrEqual(t, count, len(store.ended), "nothing is told that did not end")
			})
		})
	}
}
