package benchmarks

import (
	"context"
	"crypto/sha256"
	"net/http"
	"sync"
	"testing"

	"github.com/gorilla/sessions"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/bindingtest"
)

// BenchmarkGuard is a request of a signed-in user from the address that it came
// from before, beside the same with other session libraries. What each costs is
// what it adds to bare. What the least of guards adds is the floor.
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
		{"floor", of(floor()), http.StatusNoContent},
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

// floor returns the application behind the least that a guard with sessions in memory
// can be, and a request to it: a cookie is read, its token is hashed, the session is
// looked for in a map, and the handler gets it in the context of a copy of the request. It
// has no limits, no binding, no events and no answer of its own, and ends no session.
func floor() (http.Handler, *http.Request) {
	type session struct{ user string }
	type sessionKey struct{}
	const name, token = "__Host-floor", "oV0ZmTq3hS0nJ5uW8rYb2kXcD7eFgH1iL4pA6sQ9tUz-E"
	var mu sync.RWMutex
	sessions := map[[sha256.Size]byte]*session{sha256.Sum256([]byte(token)): {user}}

	application := answer(func(r *http.Request) string {
		s, _ := r.Context().Value(sessionKey{}).(*session)
		if s == nil {
			return ""
		}
		return s.user
	})
	request := get(bindingtest.Berlin.String(), nil)
	request.AddCookie(&http.Cookie{Name: name, Value: token})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cookie, err := r.Cookie(name); err == nil {
			id := sha256.Sum256([]byte(cookie.Value))
			mu.RLock()
			s := sessions[id]
			mu.RUnlock()
			if s != nil {
				r = r.WithContext(context.WithValue(r.Context(), sessionKey{}, s))
			}
		}
		application.ServeHTTP(w, r)
	}), request
}

// TestSidesDoTheSameWork shows that each side of BenchmarkGuard finds its user,
// and no other side's.
func TestSidesDoTheSameWork(t *testing.T) {
	sides := map[string]func() (http.Handler, *http.Request){
		"floor":   floor,
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
