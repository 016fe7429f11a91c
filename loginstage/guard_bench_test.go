package loginstage_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/sink"
)

// BenchmarkGuard is what the guard adds to a handler, which is measured beside
// it, with the memory store.
func BenchmarkGuard(b *testing.B) {
	login, err := loginstage.New(loginstage.Config{
		SessionDuration: duration.MustParse("hours=12"),
		NetworkBinding:  binding.NetworkASN,
		GeoIPBinding:    binding.GeoIPCountry,
		Locator:         bindingtest.Places(),
		Events:          sink.Func(func(context.Context, loginstage.Event) error { return nil }),
	})
	require.NoError(b, err)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	guarded := login.Guard(handler)

	anonymous := httptest.NewRequest(http.MethodGet, "/", nil)
	anonymous.RemoteAddr = bindingtest.Berlin.String() + ":4711"
	signIn := func(b *testing.B) *http.Request {
		w := httptest.NewRecorder()
		_, err := login.Begin(w, anonymous, loginstage.User{ID: "ada"})
		require.NoError(b, err)
		r := anonymous.Clone(b.Context())
		r.AddCookie(w.Result().Cookies()[0])
		return r
	}
	run := func(name string, handler http.Handler, r *http.Request) {
		b.Run(name, func(b *testing.B) {
			w := nowhere{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				handler.ServeHTTP(w, r)
			}
		})
	}
	signedIn := signIn(b)
	run("bare", handler, signedIn)
	run("anonymous", guarded, anonymous)
	run("unchanged", guarded, signedIn)

	b.Run("moved", func(b *testing.B) {
		here, there := signIn(b), signIn(b)
		there.Header = here.Header
		there.RemoteAddr = bindingtest.BerlinNeighbour.String() + ":4711"
		w := nowhere{http.Header{}}
		b.ReportAllocs()
		for b.Loop() {
			guarded.ServeHTTP(w, there)
			guarded.ServeHTTP(w, here)
		}
	})
	b.Run("broken", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			r := signIn(b)
			r.RemoteAddr = bindingtest.London.String() + ":4711"
			w := nowhere{http.Header{}}
			b.StartTimer()
			guarded.ServeHTTP(w, r)
		}
	})
}

// nowhere is a response that nobody reads.
type nowhere struct{ header http.Header }

func (w nowhere) Header() http.Header         { return w.header }
func (w nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (w nowhere) WriteHeader(int)             {}
