package benchmarks

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/mooring-go/mooring/binding/bindingtest"
)

// user is who is signed in on all sides.
const user = "ada-lovelace-0042"

const agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"

// remembered is what a session of the peers holds: what is in Mooring's, as text
// and numbers, which is what they are best at, with the facts of where it was made
// as one text.
var remembered = map[string]any{
	"user": user, "name": "Ada Lovelace", "method": "password", "stage": "login", "agent": agent, "ip": bindingtest.Berlin.String(),
	"created": int64(1767657600), "seen": int64(1767657600), "anchor": berlin(),
}

func berlin() string {
	location, err := bindingtest.Places().Locate(context.Background(), bindingtest.Berlin)
	if err != nil {
		panic(err)
	}
	text, err := json.Marshal(location)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// answer returns the application: it asks who is signed in, and answers 204 if that is
// who it should be.
func answer(who func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if who(r) != user {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// get is a request from an address, with the cookies that a response set.
func get(from string, w *httptest.ResponseRecorder) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/account", nil)
	r.RemoteAddr = from + ":4711"
	r.Header.Set("User-Agent", agent)
	r.Header.Set("Accept", "text/html")
	if w != nil {
		for _, cookie := range w.Result().Cookies() {
			r.AddCookie(cookie)
		}
	}
	return r
}

// discard is a response that nobody reads.
type discard struct {
	header http.Header
	status int
}

func (w *discard) Header() http.Header         { return w.header }
func (w *discard) Write(b []byte) (int, error) { return len(b), nil }
func (w *discard) WriteHeader(status int)      { w.status = status }

// serve has the handler answer the request b.N times, each time a new one, as a
// server does: gorilla/sessions would else keep what it found in the first.
func serve(b *testing.B, handler http.Handler, request *http.Request, want int) {
	b.ReportAllocs()
	w := &discard{header: http.Header{}}
	for b.Loop() {
		r := new(http.Request)
		*r = *request
		clear(w.header)
		handler.ServeHTTP(w, r)
	}
	if w.status != want {
		b.Fatalf("status %d, want %d", w.status, want)
	}
}
