package sessiontest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// carrierFixture is a carrier of one rule's own, and a client of it.
type carrierFixture struct {
	*testing.T
	session.Carrier
	newClient func() Client
	client    Client
}

func newCarrierFixture(t *testing.T, carrier session.Carrier, newClient func() Client) *carrierFixture {
	if v, ok := carrier.(session.LifetimeValidator); ok {
		require.NoError(t, v.ValidateLifetime(24*time.Hour), "the kit writes tokens that are kept for up to a day")
	}
	return &carrierFixture{T: t, Carrier: carrier, newClient: newClient, client: newClient()}
}

// request returns a request of the client.
func (f *carrierFixture) request() *http.Request {
	r := httptest.NewRequestWithContext(f.Context(), http.MethodGet, "https://app.example.test/", nil)
	f.client.Send(r)
	return r
}

// respond has the carrier answer a request of the client, and returns what
// the client received.
func (f *carrierFixture) respond(answer func(w http.ResponseWriter, r *http.Request)) *http.Response {
	w := httptest.NewRecorder()
	answer(w, f.request())
	response := w.Result()
	f.client.Receive(response)
	return response
}

// write gives the token to the client.
func (f *carrierFixture) write(t session.Token, maxAge time.Duration) *http.Response {
	f.Helper()
	return f.respond(func(w http.ResponseWriter, r *http.Request) { require.NoError(f, f.Write(w, r, t, maxAge)) })
}

// clear takes the token from the client.
func (f *carrierFixture) clear() *http.Response {
	f.Helper()
	return f.respond(func(w http.ResponseWriter, r *http.Request) { require.NoError(f, f.Clear(w, r)) })
}

// carries checks which token comes with the client's next request.
func (f *carrierFixture) carries(want session.Token) {
	f.Helper()
	f.reads(f.request(), want)
}

// reads checks which token the carrier reads from the request. Failures show
// whether there was one, as tokens do not show what they are.
func (f *carrierFixture) reads(r *http.Request, want session.Token) {
	f.Helper()
	got, err := f.Read(r)
	require.NoError(f, err)
	require.Equal(f, want.IsZero(), got.IsZero(), "that no token was read")
	require.True(f, got == want, "another token was read than was written")
}

// cookie returns the one that the response sets for the token, which must be the
// only one of its name.
func (f *carrierFixture) cookie(response *http.Response, before ...string) *http.Cookie {
	f.Helper()
	set := slices.DeleteFunc(response.Cookies(), func(c *http.Cookie) bool { return slices.Contains(before, c.Name) })
	require.Len(f, set, 1, "Set-Cookie lines of the carrier")
	return set[0]
}

// forged returns a request with the raw Cookie header, apart from the client's.
func (f *carrierFixture) forged(headers ...string) *http.Request {
	r := httptest.NewRequestWithContext(f.Context(), http.MethodGet, "https://app.example.test/", nil)
	r.Header["Cookie"] = headers
	return r
}

func newToken() session.Token { return session.NewToken("ada") }
