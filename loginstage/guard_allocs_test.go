package loginstage_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/binding/maxmind"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
)

// What the guard allocates for each request, which is stable, where times are
// not: the writer; the request's copy and what is known of it, which holds the
// writer then; and for a changed address what the store keeps of it.
func TestTheGuardAllocatesLittle(t *testing.T) {
	locator, err := maxmind.Load(bindingtest.ASNFile(), bindingtest.CityFile())
	require.NoError(t, err)
	login, err := loginstage.New(loginstage.Config{
		SessionDuration: duration.MustParse("hours=12"), NetworkBinding: binding.NetworkASN, GeoIPBinding: binding.GeoIPCity, Locator: locator,
	})
	require.NoError(t, err)
	from := func(ip string) *http.Request {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = ip + ":4711"
		return r
	}
	anonymous := from(bindingtest.Berlin.String())
	signedIn := httptest.NewRecorder()
	_, err = login.Begin(signedIn, anonymous, loginstage.User{ID: "ada"})
	require.NoError(t, err)
	here, there := from(bindingtest.Berlin.String()), from(bindingtest.BerlinNeighbour.String())
	for _, r := range []*http.Request{here, there} {
		r.AddCookie(signedIn.Result().Cookies()[0])
	}

	users := map[string]int{}
	guarded := login.Guard(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, _ := loginstage.Current(r.Context())
		users[s.User]++
	}))
	w := nowhere{http.Header{}}
	for _, test := range []struct {
		name     string
		requests []*http.Request
		user     string
		most     float64
	}{
		{"anonymous", []*http.Request{anonymous}, "", 1},
		{"unchanged address", []*http.Request{here}, "ada", 2},
		{"changed address", []*http.Request{there, here}, "ada", 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			clear(users)
			i := 0
			allocs := testing.AllocsPerRun(100, func() {
				guarded.ServeHTTP(w, test.requests[i%len(test.requests)])
				i++
			})
			assert.LessOrEqual(t, allocs, test.most)
			assert.Equal(t, map[string]int{test.user: i}, users)
		})
	}
}
