package loginstage_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// naming remembers devices by the first word of what they say.
func naming() loginstage.Config {
	config := remembering
	config.DeviceName = func(userAgent string) string {
		name, _, _ := strings.Cut(userAgent, " ")
		return name
	}
	return config
}

// named returns the name that the user's only device has.
func named(t *testing.T, stage *loginstagetest.Stage) string {
	t.Helper()
	devices, err := stage.Devices(t.Context(), "ada")
	require.NoError(t, err)
	require.Len(t, devices, 1)
	return devices[0].Device
}

func TestDeviceName(t *testing.T) {
	for name, test := range map[string]struct{ agent, want string }{
		"a name":              {"Firefox on Linux", "Firefox"},
		"nothing":             {"", ""},
		"control characters":  {"Fire\x00fox\x1b[31m x", "Firefox[31m"},
		"reordering":          {"Fire\u202efox x", "Firefox"},
		"not UTF-8":           {"Fire\xfffox x", "Firefox"},
		"long":                {strings.Repeat("x", 10_000), strings.Repeat("x", 64)},
		"long, of many bytes": {strings.Repeat("猫", 10_000), strings.Repeat("猫", 21)},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, naming())
			h.UserAgent = test.agent
			assert.Equal(t, test.want, h.signIn(loginstage.User{ID: "ada"}).Device)
			assert.Equal(t, test.want, h.sessions("ada")[0].Device)
			assert.Equal(t, test.want, named(t, h.stage))
		})
	}
}

func TestDeviceNameIsOptional(t *testing.T) {
	h := newHost(t, remembering)
	h.UserAgent = "Firefox on Linux"
	s := h.signIn(loginstage.User{ID: "ada"})
	assert.Empty(t, s.Device)
	assert.Equal(t, "Firefox on Linux", s.UserAgent)
}

// Whatever the function does, the user is signed in, and what it returns is cleaned.
func TestDeviceNameIsNotTrusted(t *testing.T) {
	for name, test := range map[string]struct {
		function func(string) string
		want     string
	}{
		"panics":         {func(string) string { panic("oops") }, ""},
		"is hostile":     {func(string) string { return " \u202e\x00\xff<b>" + strings.Repeat("\u2066", 100) }, "<b>"},
		"cut in a space": {func(string) string { return strings.Repeat("x", 63) + " y" }, strings.Repeat("x", 63)},
	} {
		t.Run(name, func(t *testing.T) {
			config := remembering
			config.DeviceName = test.function
			h := newHost(t, config)
			h.UserAgent = "agent"
			assert.Equal(t, test.want, h.signIn(loginstage.User{ID: "ada"}).Device)
		})
	}
	config := asking
	config.DeviceName = func(userAgent string) string {
		assert.Equal(t, strings.Repeat("x", 511), userAgent)
		return "named"
	}
	h := newHost(t, config)
	h.UserAgent = "\x01" + strings.Repeat("x", 1<<16)
	h.signIn(loginstage.User{ID: "ada"})
	require.NoError(t, h.do("/finish"))
	assert.Equal(t, "named", h.started.Device, "it goes on with the answer")
}

func FuzzDeviceName(f *testing.F) {
	f.Add("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	f.Add("\x00\x1b[31m\u202e\xff")
	f.Add(strings.Repeat("猫", 500))
	config := remembering
	config.DeviceName = func(userAgent string) string { return userAgent + userAgent }
	stage := loginstagetest.New(f, config)
	f.Fuzz(func(t *testing.T, agent string) {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header["User-Agent"] = []string{agent}
		s, _, err := stage.SignIn(httptest.NewRecorder(), r, loginstage.User{ID: "ada"})
		require.NoError(t, err)
		require.True(t, utf8.ValidString(s.Device))
		require.LessOrEqual(t, len(s.Device), 64)
		require.NoError(t, s.Validate())
		require.NotContains(t, s.Device, "\u202e")
		_, err = stage.RevokeUser(context.Background(), "ada", "fuzz")
		require.NoError(t, err)
	})
}

func TestRenameDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, naming())
		h.UserAgent = "Firefox on Linux"
		h.signIn(loginstage.User{ID: "ada"})
		devices, err := h.stage.Devices(t.Context(), "ada")
		require.NoError(t, err)
		first := devices[0].ID
		require.ErrorIs(t, h.stage.RenameDevice(t.Context(), "bob", first, "mine"), session.ErrNotFound)
		require.ErrorIs(t, h.stage.RenameDevice(t.Context(), "ada", h.started.ID, "mine"), session.ErrNotFound, "a session is no device")
		for _, name := range []string{"", " ", "a\nb", "\u202ea", "\xff", strings.Repeat("x", 65)} {
			require.ErrorIs(t, h.stage.RenameDevice(t.Context(), "ada", first, name), session.ErrInvalid, "%q", name)
		}
		require.NoError(t, h.stage.RenameDevice(t.Context(), "ada", first, "Ada's 猫 <1>"))
		require.Equal(t, "Ada's 猫 <1>", named(t, h.stage))

		time.Sleep(time.Second)
		h.UserAgent = "Iceweasel on Linux"
		assert.Equal(t, "Ada's 猫 <1>", h.signIn(loginstage.User{ID: "ada"}).Device, "it stays through sign-ins")
		require.NoError(t, h.stage.RenameDevice(t.Context(), "ada", first, "again"), "an ID of before is of the same device")
		assert.Equal(t, "again", named(t, h.stage))
		assert.Equal(t, "again", h.signIn(loginstage.User{ID: "ada"}).Device)

		require.NoError(t, h.stage.ForgetDevice(t.Context(), "ada", first, "ada"))
		var ended *session.EndedError
		require.ErrorAs(t, h.stage.RenameDevice(t.Context(), "ada", first, "gone"), &ended)
		assert.Equal(t, "Iceweasel", h.signIn(loginstage.User{ID: "ada"}).Device, "a device that was forgotten is a new one")
	})
}

// A name that nobody gave is that of the latest sign-in.
func TestADeviceThatIsNotRenamedIsNamedAnew(t *testing.T) {
	h := newHost(t, naming())
	h.UserAgent = "Firefox on Linux"
	h.signIn(loginstage.User{ID: "ada"})
	h.UserAgent = "Iceweasel on Linux"
	h.signIn(loginstage.User{ID: "ada"})
	assert.Equal(t, "Iceweasel", named(t, h.stage))
}

// renamingStore renames the device between a sign-in's look at it and its replacement.
type renamingStore struct {
	session.Store
	rename func()
}

func (s *renamingStore) Start(ctx context.Context, started session.Session, replace session.Replace) ([]session.Ended, error) {
	if rename := s.rename; rename != nil && started.Kind == session.KindDevice {
		s.rename = nil
		rename()
	}
	return s.Store.Start(ctx, started, replace)
}

func TestARenamingBesideASignInIsNotLost(t *testing.T) {
	config, store := naming(), &renamingStore{Store: memstore.New()}
	config.Store = store
	h := newHost(t, config)
	h.signIn(loginstage.User{ID: "ada"})
	devices, err := h.stage.Devices(t.Context(), "ada")
	require.NoError(t, err)
	store.rename = func() { assert.NoError(t, h.stage.RenameDevice(t.Context(), "ada", devices[0].ID, "mine")) }
	h.signIn(loginstage.User{ID: "ada"})
	require.Nil(t, store.rename)
	assert.Equal(t, "mine", named(t, h.stage))
	h.signIn(loginstage.User{ID: "ada"})
	assert.Equal(t, "mine", named(t, h.stage))
}

// A list of devices that is a moment old names them all the same.
func TestADeviceIsForgottenByAnIDOfBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, remembering)
		h.signIn(loginstage.User{ID: "ada"})
		devices, err := h.stage.Devices(t.Context(), "ada")
		require.NoError(t, err)
		other := hostOf(t, h.stage)
		other.signIn(loginstage.User{ID: "ada"})
		for range 3 {
			time.Sleep(time.Second)
			h.signIn(loginstage.User{ID: "ada"})
		}
		require.ErrorIs(t, h.stage.ForgetDevice(t.Context(), "bob", devices[0].ID, "bob"), session.ErrNotFound)
		require.NoError(t, h.stage.ForgetDevice(t.Context(), "ada", devices[0].ID, "ada"))
		assert.False(t, h.signIn(loginstage.User{ID: "ada"}).KnownDevice)
		assert.True(t, other.signIn(loginstage.User{ID: "ada"}).KnownDevice, "and no other is")
	})
}

// Sign-ins at the same time in one browser leave several records of the device.
func TestADeviceIsForgottenWhole(t *testing.T) {
	shared := memstore.New()
	config := remembering
	config.Store = shared
	h := newHost(t, config)
	h.signIn(loginstage.User{ID: "ada"})
	devices, err := h.stage.Devices(t.Context(), "ada")
	require.NoError(t, err)
	known := h.Cookie(deviceCookie("ada"))
	store := &pausingStore{Store: shared, reached: make(chan struct{}), resume: make(chan struct{})}
	config.Store = store
	slow := loginstagetest.New(t, config)
	again := func(stage *loginstagetest.Stage) {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.AddCookie(&http.Cookie{Name: deviceCookie("ada"), Value: known})
		_, err := stage.Begin(httptest.NewRecorder(), r, loginstage.User{ID: "ada"})
		assert.NoError(t, err)
	}
	done := make(chan struct{})
	go func() { defer close(done); again(slow) }()
	<-store.reached
	again(h.stage)
	close(store.resume)
	<-done
	parallel, err := h.stage.Devices(t.Context(), "ada")
	require.NoError(t, err)
	require.Len(t, parallel, 2)
	require.NoError(t, h.stage.ForgetDevice(t.Context(), "ada", devices[0].ID, "ada"))
	left, err := h.stage.Devices(t.Context(), "ada")
	require.NoError(t, err)
	assert.Empty(t, left)
	assert.Len(t, h.stage.Events.Of(loginstage.ActionDeviceForgotten), 2)
}

// pausingStore waits before the first Start of a device.
type pausingStore struct {
	session.Store
	once            sync.Once
	reached, resume chan struct{}
}

func (s *pausingStore) Start(ctx context.Context, started session.Session, replace session.Replace) ([]session.Ended, error) {
	if started.Kind == session.KindDevice {
		s.once.Do(func() {
			close(s.reached)
			<-s.resume
		})
	}
	return s.Store.Start(ctx, started, replace)
}
