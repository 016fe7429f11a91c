package loginstage_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
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
	"github.com/mooring-go/mooring/session/sessiontest"
)

var remembering = loginstage.Config{RememberDevice: duration.MustParse("days=30")}

// deviceCookie returns the name of the cookie by which a device is known for the user.
func deviceCookie(user string) string { return cookie + "_device_" + session.Shard(user) }

// known reports whether the device of the browser is known for the user.
func known(t *testing.T, stage *loginstagetest.Stage, browser *loginstagetest.Browser, user string) bool {
	t.Helper()
	var is bool
	probe := browser.Clone()
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: deviceCookie(user), Value: probe.Cookie(deviceCookie(user))})
	is, err := stage.KnownDevice(r, user)
	require.NoError(t, err)
	return is
}

func TestADeviceIsKnownAfterASignIn(t *testing.T) {
	forEachWay(t, func(t *testing.T, config loginstage.Config) {
		config.RememberDevice = remembering.RememberDevice
		synctest.Test(t, func(t *testing.T) {
			stage, browser := open(t, config)
			assert.False(t, known(t, stage, browser, "ada"))
			response := signIn(t, browser, "ada") // who says no to the prompt
			assert.False(t, *stage.Events.Last().Context.KnownDevice)
			assert.False(t, sessions(t, stage, "ada")[0].KnownDevice)
			assert.True(t, known(t, stage, browser, "ada"))

			c := setCookie(t, response, deviceCookie("ada"))
			assert.True(t, strings.HasPrefix(c.Name, "__Host-"))
			assert.True(t, c.Secure)
			assert.True(t, c.HttpOnly)
			assert.Equal(t, "/", c.Path)
			assert.Empty(t, c.Domain)
			assert.Equal(t, http.SameSiteLaxMode, c.SameSite)
			assert.Equal(t, 30*86400, c.MaxAge)

			browser.PostForm("/logout", nil)
			browser.CloseWindow()
			assert.True(t, known(t, stage, browser, "ada"), "it is known though nobody is signed in")
			signIn(t, browser, "ada")
			assert.True(t, *stage.Events.Last().Context.KnownDevice)
			assert.True(t, sessions(t, stage, "ada")[0].KnownDevice)

			time.Sleep(30*day - 1)
			assert.True(t, known(t, stage, browser, "ada"), "each sign-in starts the time again")
			token := browser.Cookie(deviceCookie("ada"))
			time.Sleep(time.Nanosecond)
			hoarder := loginstagetest.NewBrowser(t, app(stage.UserLogin))
			hoarder.SetCookie(&http.Cookie{Name: deviceCookie("ada"), Value: token, Path: "/", Secure: true})
			assert.False(t, known(t, stage, hoarder, "ada"), "whatever the browser keeps")
		})
	})
}

func TestADeviceSignsNobodyIn(t *testing.T) {
	config := remembering
	config.StaySignedInOffset = asking.StaySignedInOffset
	stage, browser := open(t, config)
	signIn(t, browser, "ada")
	device := browser.Cookie(deviceCookie("ada"))

	thief := with(t, stage, device) // in the place of the session's token
	assert.Equal(t, "nobody", whoami(thief))
	assert.Equal(t, http.StatusUnauthorized, thief.Get("/private/").StatusCode)
	assert.Equal(t, http.StatusConflict, thief.PostForm("/finish", nil).StatusCode)

	only := loginstagetest.NewBrowser(t, app(stage.UserLogin))
	only.SetCookie(&http.Cookie{Name: deviceCookie("ada"), Value: device, Path: "/", Secure: true})
	assert.Equal(t, "nobody", whoami(only))
	assert.Equal(t, http.StatusAccepted, only.PostForm("/begin?user=ada", nil).StatusCode, "and skips no question")
}

// The other way round: a session's token makes no device known.
func TestASessionIsNoDevice(t *testing.T) {
	stage, browser := open(t, remembering)
	signIn(t, browser, "ada")
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: deviceCookie("ada"), Value: browser.Cookie(cookie)})
	is, err := stage.KnownDevice(r, "ada")
	require.NoError(t, err)
	assert.False(t, is)
}

func TestADeviceIsKnownPerUser(t *testing.T) {
	stage, browser := open(t, remembering)
	signIn(t, browser, "ada")
	signIn(t, browser, "bob")
	assert.False(t, *stage.Events.Last().Context.KnownDevice)
	assert.True(t, known(t, stage, browser, "ada"))
	assert.True(t, known(t, stage, browser, "bob"))
	assert.False(t, known(t, stage, browser, "eve"))

	// ada's token under bob's name.
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: deviceCookie("bob"), Value: browser.Cookie(deviceCookie("ada"))})
	is, err := stage.KnownDevice(r, "bob")
	require.NoError(t, err)
	assert.False(t, is)
}

func TestDevicesAreForgotten(t *testing.T) {
	stage, browser := open(t, remembering)
	other := loginstagetest.NewBrowser(t, app(stage.UserLogin))
	signIn(t, browser, "ada")
	signIn(t, other, "ada")
	signIn(t, other, "bob")
	stage.Events.Reset()

	n, err := stage.ForgetDevices(t.Context(), "ada", "admin")
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	assert.False(t, known(t, stage, browser, "ada"))
	assert.False(t, known(t, stage, other, "ada"))
	assert.True(t, known(t, stage, other, "bob"))
	assert.Equal(t, "ada", whoami(browser), "sessions live on")

	events := stage.Events.Events()
	require.Len(t, events, 2)
	for _, event := range events {
		assert.Equal(t, loginstage.ActionDeviceForgotten, event.Action)
		assert.Equal(t, session.CauseRevoked, event.Cause)
		assert.Equal(t, "ada", event.User)
		assert.Equal(t, "admin", event.Actor)
		assert.Empty(t, event.Context.LogoutReason)
	}
	n, err = stage.ForgetDevices(t.Context(), "ada", "admin")
	require.NoError(t, err)
	assert.Zero(t, n)

	n, err = stage.RevokeUser(t.Context(), "ada", "admin")
	require.NoError(t, err)
	assert.Equal(t, 1, n, "devices are no sessions")
	assert.Empty(t, stage.Events.Last().Context.KnownDevice)
}

func TestADeviceIsReplacedAtEachSignIn(t *testing.T) {
	stage, browser := open(t, remembering)
	signIn(t, browser, "ada")
	before := browser.Clone()
	signIn(t, browser, "ada")
	assert.NotEqual(t, before.Cookie(deviceCookie("ada")), browser.Cookie(deviceCookie("ada")))
	assert.False(t, known(t, stage, before, "ada"), "a copy is of no use any more")
	assert.True(t, known(t, stage, browser, "ada"))
	n, err := stage.ForgetDevices(t.Context(), "ada", "")
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	for _, event := range stage.Events.Of(loginstage.ActionLogout) {
		assert.NotContains(t, event.User, "device")
	}
}

func TestDevicesOfAUserAreBounded(t *testing.T) {
	stage, _ := open(t, remembering)
	for range 40 {
		signIn(t, loginstagetest.NewBrowser(t, app(stage.UserLogin)), "ada")
	}
	n, err := stage.ForgetDevices(t.Context(), "ada", "")
	require.NoError(t, err)
	assert.Equal(t, 32, n)
}

// A browser that many share would send more and more cookies.
func TestDeviceCookiesOfABrowserAreBounded(t *testing.T) {
	stage, browser := open(t, remembering)
	for i := range 30 {
		signIn(t, browser, "user"+strconv.Itoa(i))
	}
	kept := 0
	for i := range 30 {
		if browser.Cookie(deviceCookie("user"+strconv.Itoa(i))) != "" {
			kept++
		}
	}
	assert.LessOrEqual(t, kept, 8)
	assert.True(t, known(t, stage, browser, "user29"), "the latest is kept")
	assert.Equal(t, "user29", whoami(browser))
}

func TestDevicesAreNotRememberedUnlessTold(t *testing.T) {
	stage, browser := open(t, loginstage.Config{})
	response := signIn(t, browser, "ada")
	assert.Len(t, response.Cookies(), 1)
	assert.False(t, known(t, stage, browser, "ada"))
	assert.Nil(t, stage.Events.Last().Context.KnownDevice)
}

// A device that cannot be remembered keeps nobody out.
func TestASignInDoesNotDependOnTheDevice(t *testing.T) {
	var log bytes.Buffer
	store := &secondStartFails{Store: loginstagetest.NewStore(nil)}
	config := remembering
	config.Store, config.Logger = store, slog.New(slog.NewTextHandler(&log, nil))
	stage, browser := open(t, config)
	signIn(t, browser, "ada")
	assert.Equal(t, "ada", whoami(browser))
	assert.False(t, known(t, stage, browser, "ada"))
	assert.Contains(t, log.String(), "the device is not remembered")
}

func TestADeviceThatCannotBeLookedUp(t *testing.T) {
	store := loginstagetest.NewStore(nil)
	config := remembering
	config.Store = store
	stage, browser := open(t, config)
	signIn(t, browser, "ada")
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: deviceCookie("ada"), Value: browser.Cookie(deviceCookie("ada"))})
	store.Fail(errOut)
	is, err := stage.KnownDevice(r, "ada")
	assert.ErrorIs(t, err, errOut)
	assert.False(t, is)
	_, err = stage.ForgetDevices(t.Context(), "ada", "")
	assert.ErrorIs(t, err, errOut)
}

// Only a device of the user stands for one: whatever else a browser has in the
// cookie of a device, of a session or of a challenge finds nothing, and ends
// nothing.
func TestATokenInAnotherCookiesPlaceDoesNothing(t *testing.T) {
	config := asking
	config.RememberDevice = remembering.RememberDevice
	pendingCookie := cookie + "_pending"
	for place, name := range map[string]string{
		"session": cookie, "pending": pendingCookie, "own device": deviceCookie("mallory"), "another's device": deviceCookie("ada"),
	} {
		for _, kind := range []string{"session", "pending", "device", "own session", "own pending", "own device"} {
			t.Run(kind+" as "+place, func(t *testing.T) {
				stage, ada := open(t, config)
				signIn(t, ada, "ada")
				asked := loginstagetest.NewBrowser(t, app(stage.UserLogin))
				begin(t, asked, "ada")
				mallory := loginstagetest.NewBrowser(t, app(stage.UserLogin))
				signIn(t, mallory, "mallory")
				waits := mallory.Clone()
				begin(t, waits, "mallory")
				token := map[string]string{
					"session": ada.Cookie(cookie), "pending": asked.Cookie(pendingCookie), "device": ada.Cookie(deviceCookie("ada")),
					"own session": mallory.Cookie(cookie), "own pending": waits.Cookie(pendingCookie), "own device": mallory.Cookie(deviceCookie("mallory")),
				}[kind]
				require.NotEmpty(t, token)
				switch kind + " as " + place {
				case "session as session", "pending as pending", "device as another's device",
					"own session as session", "own pending as pending", "own device as own device":
					t.Skip("it is in its place")
				}
				stage.Events.Reset()

				attacker := loginstagetest.NewBrowser(t, app(stage.UserLogin))
				attacker.SetCookie(&http.Cookie{Name: name, Value: token, Path: "/", Secure: true})
				assert.Equal(t, "nobody", whoami(attacker))
				assert.False(t, known(t, stage, attacker, "ada"))
				assert.False(t, known(t, stage, attacker, "mallory"))
				signIn(t, attacker, "mallory")
				events := stage.Events.Events()
				require.Len(t, events, 1, "nothing but a sign-in")
				assert.Equal(t, loginstage.ActionLogin, events[0].Action)
				assert.False(t, *events[0].Context.KnownDevice)

				assert.Equal(t, "ada", whoami(ada))
				assert.True(t, known(t, stage, ada, "ada"))
				assert.Equal(t, http.StatusOK, asked.PostForm("/finish", nil).StatusCode)
				assert.Equal(t, "mallory", whoami(mallory))
				assert.True(t, known(t, stage, mallory, "mallory"))
			})
		}
	}
}

// A device that is forgotten because there are too many is told, and one that goes
// on under another token is not.
func TestADeviceThatIsOneTooManyIsTold(t *testing.T) {
	stage, browser := open(t, remembering)
	signIn(t, browser, "ada")
	signIn(t, browser, "ada")
	for range 32 {
		signIn(t, loginstagetest.NewBrowser(t, app(stage.UserLogin)), "ada")
	}
	told := stage.Events.Of(loginstage.ActionDeviceForgotten)
	require.Len(t, told, 1)
	assert.Equal(t, session.CauseMaxSessions, told[0].Cause)
	assert.Equal(t, "ada", told[0].Actor)
	assert.Equal(t, "/begin", told[0].Context.HTTPRequest.Path)
	assert.False(t, known(t, stage, browser, "ada"))
}

// Thousands of device cookies make neither the answer nor the work large.
func TestDeviceCookiesByTheThousand(t *testing.T) {
	const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	stage, _ := open(t, remembering)
	var header strings.Builder
	for i := range 64 * 64 {
		header.WriteString(cookie + "_device_" + string(base64url[i/64]) + string(base64url[i%64]) + "=1; ")
	}
	header.WriteString(strings.Repeat(cookie+"_device_x=1; "+cookie+"_device_xyz=1; "+deviceCookie("bob")+"=1; ", 5000))
	for _, cookies := range [][]string{{header.String()}, strings.Split(header.String(), "; ")} {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header["Cookie"] = cookies
		w := httptest.NewRecorder()
		_, err := stage.Begin(w, r, loginstage.User{ID: "ada"})
		require.NoError(t, err)
		set := w.Result().Cookies()
		assert.LessOrEqual(t, len(set), 2+16)
		deleted := 0
		for _, c := range set {
			if c.MaxAge < 0 {
				deleted++
				assert.Len(t, c.Name, len(deviceCookie("ada")))
				assert.NotEqual(t, deviceCookie("ada"), c.Name)
			}
		}
		assert.Equal(t, 16, deleted)
	}
}

// A device is not remembered by a sign-in whose session has ended by then: the step that
// ended it may have come too early for the device.
func TestADeviceOfASignInThatEndedMeanwhile(t *testing.T) {
	store := &between{Store: memstore.New()}
	stage, browser := open(t, loginstage.Config{Store: store, RememberDevice: duration.MustParse("days=30")})
	store.afterStart = func() {
		n, err := stage.CredentialsChanged(t.Context(), "ada", "password", session.ID{}, "ada")
		require.NoError(t, err)
		require.Equal(t, 1, n)
	}
	signIn(t, browser, "ada")
	devices, err := stage.Devices(t.Context(), "ada")
	require.NoError(t, err)
	assert.Empty(t, devices)
}

// A device that nobody signs in on again is forgotten with an event.
func TestADeviceThatExpiresIsTold(t *testing.T) {
	for _, durable := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			config := remembering
			config.Store, config.DurableEvents = sessiontest.NewJournal(), durable
			h := newHost(t, config)
			h.signIn(loginstage.User{ID: "ada"})
			h.signIn(loginstage.User{ID: "ada"}) // which replaces the first record, and is no forgetting
			require.NoError(t, h.do("/logout"))
			deliver := func() {
				if durable {
					ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
					defer stop()
					require.ErrorIs(t, h.stage.Deliver(ctx), context.DeadlineExceeded)
				}
			}
			time.Sleep(30*day - time.Minute)
			_, err := h.stage.Sweep(t.Context())
			require.NoError(t, err)
			deliver()
			require.Empty(t, h.stage.Events.Of(loginstage.ActionDeviceForgotten))
			time.Sleep(time.Minute)
			_, err = h.stage.Sweep(t.Context())
			require.NoError(t, err)
			deliver()
			want := []session.Cause{session.CauseExpired}
			if !durable {
				want = nil // as for sessions
			}
			assert.Equal(t, want, causes(h.stage, loginstage.ActionDeviceForgotten))
		})
	}
}
