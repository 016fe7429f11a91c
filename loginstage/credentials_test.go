package loginstage_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
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
