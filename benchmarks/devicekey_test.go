package benchmarks

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session/devicekey"
)

// BenchmarkDeviceKey is a request of a signed-in user from the address that it came from
// before, without a device key, and with one that was proved within ProveEvery.
func BenchmarkDeviceKey(b *testing.B) {
	off := loginstage.Config{SessionDuration: duration.MustParse("hours=12"), Preset: binding.PresetProven}
	on := off
	on.DeviceKey, on.ProveEvery = loginstage.DeviceKeyOffer, duration.MustParse("hours=1")
	for _, side := range []struct {
		name   string
		config loginstage.Config
		kind   devicekey.Kind
	}{{"off", off, ""}, {"proven", on, devicekey.DBSC}} {
		b.Run(side.name, func(b *testing.B) {
			handler, request := withDeviceKey(b, side.config, side.kind)
			serve(b, handler, request, http.StatusNoContent)
		})
	}
}

// withDeviceKey returns the application behind a guard of the configuration, and a request
// to it of a browser with a key of the kind.
func withDeviceKey(tb testing.TB, config loginstage.Config, kind devicekey.Kind) (http.Handler, *http.Request) {
	stage := loginstagetest.New(tb, config)
	mux := http.NewServeMux()
	mux.Handle("/mooring/", stage.DeviceKeys())
	mux.HandleFunc("POST /begin", func(w http.ResponseWriter, r *http.Request) {
		_, err := stage.Begin(w, r, loginstage.User{ID: user})
		require.NoError(tb, err)
	})
	browser := loginstagetest.NewBrowser(tb, mux)
	browser.DeviceKey = kind
	require.Equal(tb, http.StatusOK, browser.PostForm("/begin", nil).StatusCode)
	request := get(bindingtest.Berlin.String(), nil)
	for _, name := range []string{"__Host-mooring", "__Host-mooring_bound"} {
		if value := browser.Cookie(name); value != "" {
			request.AddCookie(&http.Cookie{Name: name, Value: value})
		}
	}
	require.Len(tb, request.Cookies(), map[bool]int{true: 2, false: 1}[kind != ""])
	return stage.Guard(answer(current)), request
}
