package loginstage_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/loginstage/sink"
	"github.com/mooring-go/mooring/session"
)

func TestCredentialsChanged(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{RememberDevice: duration.MustParse("days=30")})
	kept, other, bob := hostOf(t, stage), hostOf(t, stage), hostOf(t, stage)
	s := kept.signIn(loginstage.User{ID: "ada"})
	other.signIn(loginstage.User{ID: "ada"})
	bob.signIn(loginstage.User{ID: "bob"})
	n, err := stage.CredentialsChanged(t.Context(), "ada", "password", s.ID, "ada")
	require.NoError(t, err)
	assert.Equal(t, 3, n, "another session and two devices")
	assert.Equal(t, passes, kept.status("/private"))
	assert.Equal(t, denied, other.status("/private"))
	assert.Equal(t, passes, bob.status("/private"))

	require.Len(t, stage.Events.Of(loginstage.ActionLogout), 1)
	assert.Equal(t, session.CauseCredentialsChanged, stage.Events.Of(loginstage.ActionLogout)[0].Cause)
	assert.Len(t, stage.Events.Of(loginstage.ActionDeviceForgotten), 2)
	events := stage.Events.Of(loginstage.ActionCredentials)
	require.Len(t, events, 1, "told once")
	assert.Equal(t, "password", events[0].Context.Credential)
	assert.Equal(t, "ada", events[0].User)
	assert.Equal(t, "ada", events[0].Actor)
	assert.Equal(t, s.ID, events[0].Session)
}

// A challenge from before the change signs nobody in.
func TestCredentialsChangedEndsChallenges(t *testing.T) {
	h := newHost(t, loginstage.Config{StaySignedInOffset: duration.MustParse("days=30")})
	h.signIn(loginstage.User{ID: "ada"})
	n, err := h.stage.CredentialsChanged(t.Context(), "ada", "password", session.ID{}, "ada")
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	require.ErrorIs(t, h.do("/finish"), loginstage.ErrNoChallenge)
}

// A change is told when all has ended, and not before.
func TestCredentialsChangedWithAStoreThatFails(t *testing.T) {
	store := loginstagetest.NewStore(nil)
	h := newHost(t, loginstage.Config{Store: store})
	h.signIn(loginstage.User{ID: "ada"})
	down := errors.New("down")
	store.Fail(down)
	_, err := h.stage.CredentialsChanged(t.Context(), "ada", "password", session.ID{}, "ada")
	require.ErrorIs(t, err, down)
	assert.Empty(t, h.stage.Events.Of(loginstage.ActionCredentials))
	store.Repair()
	_, err = h.stage.CredentialsChanged(t.Context(), "ada", "password", session.ID{}, "ada")
	require.NoError(t, err)
	assert.Len(t, h.stage.Events.Of(loginstage.ActionCredentials), 1)
	assert.Empty(t, h.sessions("ada"))
}

// What the host says of a change keeps no session alive, and a store that takes no new
// record ends the sessions all the same.
func TestCredentialsChangedWhateverIsSaid(t *testing.T) {
	store := loginstagetest.NewStore(nil)
	h := newHost(t, loginstage.Config{Store: store})
	h.signIn(loginstage.User{ID: "ada"})
	_, err := h.stage.CredentialsChanged(t.Context(), "ada", strings.Repeat("\x00\"", 4096), session.ID{}, "a\nb\xff"+strings.Repeat("\x01", 4096))
	require.NoError(t, err)
	assert.Empty(t, h.sessions("ada"))
	require.Len(t, h.stage.Events.Of(loginstage.ActionCredentials), 1)

	h.signIn(loginstage.User{ID: "ada"})
	store.FailStep(loginstagetest.Start, errors.New("full"))
	n, err := h.stage.CredentialsChanged(t.Context(), "ada", "password", session.ID{}, "admin")
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	assert.Empty(t, h.sessions("ada"))
	events := h.stage.Events.Of(loginstage.ActionCredentials)
	require.Len(t, events, 2)
	assert.Equal(t, "password", events[1].Context.Credential)
	assert.Equal(t, "admin", events[1].Actor)
	assert.NotZero(t, events[1].Time)
}

// One that is tried again is told once.
func TestCredentialsChangedAgain(t *testing.T) {
	store := loginstagetest.NewStore(nil)
	h := newHost(t, loginstage.Config{Store: store})
	h.signIn(loginstage.User{ID: "ada"})
	store.FailStep(loginstagetest.EndUser, errors.New("down"))
	_, err := h.stage.CredentialsChanged(t.Context(), "ada", "password", session.ID{}, "ada")
	require.Error(t, err)
	store.Repair()
	_, err = h.stage.CredentialsChanged(t.Context(), "ada", "password", session.ID{}, "ada")
	require.NoError(t, err)
	assert.Len(t, h.stage.Events.Of(loginstage.ActionCredentials), 1)
	assert.Len(t, h.stage.Events.Of(loginstage.ActionLogout), 1)
}

// killed is the store of a process that ends as soon as it has ended a user's sessions.
type killed struct{ session.Journal }

func (k killed) EndUser(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error) {
	_, _ = k.Journal.EndUser(ctx, user, keep, ending, kinds...)
	return nil, errors.New("killed")
}

func (k killed) Unwrap() session.Store { return k.Journal }

// A change is told by another process, with one ID however often, where the one that
// made it ends at once. So are the endings of a disabled account.
func TestChangesAreToldAfterACrash(t *testing.T) {
	for cause, happens := range map[session.Cause]func(login *loginstage.UserLogin, r *http.Request) error{
		session.CauseCredentialsChanged: func(login *loginstage.UserLogin, r *http.Request) error {
			_, err := login.CredentialsChanged(r.Context(), "ada", "password", session.ID{}, "admin")
			return err
		},
		session.CauseAccountDisabled: func(login *loginstage.UserLogin, r *http.Request) error {
			_, err := login.Check(httptest.NewRecorder(), r)
			return err
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var tried []loginstage.Event
			store := newJournal()
			active := true
			config := loginstage.Config{
				Store: store, DurableEvents: true,
				Account: func(context.Context, string) (bool, error) { return active, nil },
				Events: sink.Func(func(_ context.Context, e loginstage.Event) error {
					if e.Cause != cause {
						return nil
					}
					mu.Lock()
					defer mu.Unlock()
					tried = append(tried, e)
					if len(tried) == 1 {
						return errors.New("not now")
					}
					return nil
				}),
			}
			login, err := loginstage.New(config)
			require.NoError(t, err)
			w := httptest.NewRecorder()
			_, err = login.Begin(w, httptest.NewRequest("POST", "/", nil), loginstage.User{ID: "ada"})
			require.NoError(t, err)
			config.Store, active = killed{store}, cause != session.CauseAccountDisabled
			dying, err := loginstage.New(config)
			require.NoError(t, err)
			r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
			r.AddCookie(w.Result().Cookies()[0])
			require.Error(t, happens(dying, r))

			ctx, stop := context.WithCancel(t.Context())
			var delivering sync.WaitGroup
			delivering.Go(func() { assert.ErrorIs(t, login.Deliver(ctx), context.Canceled) })
			time.Sleep(time.Minute)
			stop()
			delivering.Wait()
			assert.Zero(t, store.undelivered())
			assert.Equal(t, tried[0], tried[1], "the same event, again")
			told := tried[1:]
			require.NotEmpty(t, told)
			assert.Equal(t, loginstage.ActionLogout, told[0].Action)
			if cause == session.CauseAccountDisabled {
				require.Len(t, told, 1)
				return
			}
			require.Len(t, told, 2)
			assert.Equal(t, loginstage.ActionCredentials, told[1].Action, "once all has ended")
			assert.Equal(t, "password", told[1].Context.Credential)
			assert.Equal(t, "admin", told[1].Actor)
			assert.Equal(t, "ada", told[1].User)
		})
	}
}
