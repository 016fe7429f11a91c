package loginstage_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session/devicekey"
)

// keyedRequest returns a request of a session for the guard, with a device key and a pass if
// there is a kind, and the guard around a handler that does nothing.
func keyedRequest(t testing.TB, config loginstage.Config, kind devicekey.Kind) (http.Handler, *http.Request) {
	stage := loginstagetest.New(t, config)
	mux := http.NewServeMux()
	mux.Handle("/mooring/", stage.DeviceKeys())
	mux.HandleFunc("POST /begin", func(w http.ResponseWriter, r *http.Request) {
		_, err := stage.Begin(w, r, loginstage.User{ID: "ada"})
		require.NoError(t, err)
	})
	browser := loginstagetest.NewBrowser(t, mux)
	browser.DeviceKey = kind
	require.Equal(t, http.StatusOK, browser.PostForm("/begin", nil).StatusCode)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = bindingtest.Berlin.String() + ":4711"
	for _, name := range []string{"__Host-mooring", "__Host-mooring_bound"} {
		if value := browser.Cookie(name); value != "" {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
	}
	guarded := stage.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := loginstage.Current(r.Context()); ok {
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	served := httptest.NewRecorder()
	guarded.ServeHTTP(served, r)
	require.Equal(t, http.StatusNoContent, served.Code)
	return guarded, r
}

// A pass is checked without the store.
func TestAPassCostsLittle(t *testing.T) {
	off := proven()
	off.DeviceKey, off.ProveEvery = loginstage.DeviceKeyOff, 0
	allocs := func(config loginstage.Config, kind devicekey.Kind) float64 {
		guarded, r := keyedRequest(t, config, kind)
		w := nowhere{http.Header{}}
		return testing.AllocsPerRun(100, func() { guarded.ServeHTTP(w, r) })
	}
	without := allocs(off, "")
	assert.LessOrEqual(t, allocs(proven(), ""), without, "a session without a key pays nothing")
	assert.LessOrEqual(t, allocs(proven(), devicekey.Page), without)
	assert.LessOrEqual(t, allocs(proven(), devicekey.DBSC), without)
}

// BenchmarkGuardWithDeviceKeys is what ProveEvery adds to a guarded request.
func BenchmarkGuardWithDeviceKeys(b *testing.B) {
	off := proven()
	off.DeviceKey, off.ProveEvery = loginstage.DeviceKeyOff, 0
	for _, test := range []struct {
		name   string
		config loginstage.Config
		kind   devicekey.Kind
	}{{"off", off, ""}, {"no key", proven(), ""}, {"key", proven(), devicekey.DBSC}} {
		b.Run(test.name, func(b *testing.B) {
			guarded, r := keyedRequest(b, test.config, test.kind)
			w := nowhere{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				guarded.ServeHTTP(w, r)
			}
		})
	}
}
