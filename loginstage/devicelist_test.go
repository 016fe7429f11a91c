package loginstage_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
)

func TestDevicesAreListedAndForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, loginstage.Config{RememberDevice: duration.MustParse("days=30")})
		phone, laptop := hostOf(t, stage), hostOf(t, stage)
		phone.UserAgent, laptop.UserAgent = "phone", "laptop"
		s := phone.signIn(loginstage.User{ID: "ada"})
		time.Sleep(time.Second)
		laptop.signIn(loginstage.User{ID: "ada"})
		hostOf(t, stage).signIn(loginstage.User{ID: "bob"})
		devices, err := stage.Devices(t.Context(), "ada")
		require.NoError(t, err)
		require.Len(t, devices, 2)
		assert.Equal(t, "laptop", devices[0].UserAgent)
		assert.Equal(t, "phone", devices[1].UserAgent)

		require.ErrorIs(t, stage.ForgetDevice(t.Context(), "bob", devices[0].ID, "bob"), session.ErrNotFound)
		require.ErrorIs(t, stage.ForgetDevice(t.Context(), "ada", s.ID, "ada"), session.ErrNotFound, "a session is no device")
		require.NoError(t, stage.ForgetDevice(t.Context(), "ada", devices[1].ID, "ada"))
		var ended *session.EndedError
		require.ErrorAs(t, stage.ForgetDevice(t.Context(), "ada", devices[1].ID, "ada"), &ended)
		assert.Len(t, stage.Events.Of(loginstage.ActionDeviceForgotten), 1)
		assert.Equal(t, passes, phone.status("/private"), "its session goes on")
		assert.False(t, phone.signIn(loginstage.User{ID: "ada"}).KnownDevice)
		assert.True(t, laptop.signIn(loginstage.User{ID: "ada"}).KnownDevice)
	})
}

func TestKnownAddress(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{})
	known := func(h *host, user loginstage.User) bool {
		is, err := stage.KnownAddress(t.Context(), h.signIn(user))
		require.NoError(t, err)
		return is
	}
	h := hostOf(t, stage)
	assert.False(t, known(h, loginstage.User{ID: "ada"}), "it does not know itself")
	assert.False(t, known(hostOf(t, stage), loginstage.User{ID: "bob"}), "of another user")
	root := hostOf(t, stage)
	root.MoveTo(bindingtest.Paris)
	assert.False(t, known(root, loginstage.User{ID: "ada", Actor: "root"}))
	other := hostOf(t, stage)
	other.MoveTo(bindingtest.Paris)
	assert.False(t, known(other, loginstage.User{ID: "ada"}), "nobody who acts as the user makes an address known")
	other.MoveTo(bindingtest.Berlin)
	assert.True(t, known(other, loginstage.User{ID: "ada"}))
}
