package benchmarks

import (
	"net/http"
	"testing"

	"github.com/gorilla/sessions"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/bindingtest"
)

// BenchmarkGuard is a request of a signed-in user from the address that it came
// from before, beside the same with other session libraries. What each costs is
// what it adds to bare.
func BenchmarkGuard(b *testing.B) {
	type side struct {
		handler http.Handler
		request *http.Request
	}
	of := func(handler http.Handler, request *http.Request) side { return side{handler, request} }
	withUser, signedIn := guarded(b, nil)
	for _, run := range []struct {
		name string
		side side
		want int
	}{
		{"bare", of(answer(func(*http.Request) string { return user }), signedIn), http.StatusNoContent},
		{"unchanged", of(withUser, signedIn), http.StatusNoContent},
		{"anonymous", of(withUser, get(bindingtest.Berlin.String(), nil)), http.StatusUnauthorized},
		{"scs", of(withSCS(b, nil)), http.StatusNoContent},
		{"gorilla-cookie", of(withGorilla(b, sessions.NewCookieStore(keys...), false)), http.StatusNoContent},
		{"gorilla-cookie-save", of(withGorilla(b, sessions.NewCookieStore(keys...), true)), http.StatusNoContent},
		{"gorilla-files", of(withGorilla(b, sessions.NewFilesystemStore(b.TempDir(), keys...), false)), http.StatusNoContent},
	} {
		b.Run(run.name, func(b *testing.B) { serve(b, run.side.handler, run.side.request, run.want) })
	}
}

// TestSidesDoTheSameWork shows that each side of BenchmarkGuard finds its user,
// and no other side's.
func TestSidesDoTheSameWork(t *testing.T) {
	sides := map[string]func() (http.Handler, *http.Request){
		"mooring": func() (http.Handler, *http.Request) { return guarded(t, nil) },
		"scs":     func() (http.Handler, *http.Request) { return withSCS(t, nil) },
		"gorilla": func() (http.Handler, *http.Request) { return withGorilla(t, sessions.NewCookieStore(keys...), false) },
		"gorilla files": func() (http.Handler, *http.Request) {
			return withGorilla(t, sessions.NewFilesystemStore(t.TempDir(), keys...), true)
		},
	}
	for name, side := range sides {
		t.Run(name, func(t *testing.T) {
			handler, request := side()
			require.Len(t, request.Cookies(), 1)
			w := &discard{header: http.Header{}}
			handler.ServeHTTP(w, request.Clone(t.Context()))
			require.Equal(t, http.StatusNoContent, w.status)

			stranger := get(bindingtest.Berlin.String(), nil)
			handler.ServeHTTP(w, stranger)
			require.Equal(t, http.StatusUnauthorized, w.status)
		})
	}
}
