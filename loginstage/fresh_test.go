package loginstage_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

func TestRequireFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, loginstage.Config{StepUpURL: "/prove?x=1", LoginURL: "/login"})
		assert.Equal(t, denied, h.status("/fresh"))
		assert.Equal(t, "/login?next=%2Ffresh", h.Get("/fresh").Header.Get("Location"), "nobody is signed in")
		h.signIn(loginstage.User{ID: "ada"})
		time.Sleep(15 * time.Minute)
		assert.Equal(t, passes, h.status("/fresh"))
		time.Sleep(time.Nanosecond)
		answer := h.Call("GET", "/fresh", nil)
		assert.Equal(t, denied, answer.StatusCode)
		assert.Equal(t, `Session realm="user-login", error="insufficient_user_authentication", `+
			`error_description="Prove again who you are to use this: it was too long ago.", max_age="900"`, answer.Header.Get("WWW-Authenticate"))
		assert.Equal(t, "no-store", answer.Header.Get("Cache-Control"))
		var problem loginstage.Problem
		require.NoError(t, json.Unmarshal([]byte(answer.Text), &problem))
		assert.Equal(t, loginstage.ProblemStepUp, problem.Type)
		require.NotNil(t, problem.MaxAge)
		assert.EqualValues(t, 900, *problem.MaxAge)
		assert.Equal(t, "/prove?x=1&max_age=900&next=%2Ffresh%3Fy%3D2", h.Get("/fresh?y=2").Header.Get("Location"))
		assert.Equal(t, passes, h.status("/private"), "the session goes on elsewhere")

		require.NoError(t, h.do("/again"))
		assert.Equal(t, passes, h.status("/fresh"))
	})
}

// A user whom an identity provider proved an hour ago is not fresh.
func TestRequireFreshGoesByWhenTheUserWasProved(t *testing.T) {
	h := newHost(t, loginstage.Config{})
	h.signIn(loginstage.User{ID: "ada", AuthTime: time.Now().Add(-time.Hour)})
	assert.Equal(t, denied, h.status("/fresh"))
}

func TestRequireACR(t *testing.T) {
	for _, test := range []struct {
		acr           string
		strong, named int
	}{
		{"", denied, denied},
		{loginstage.ACRAAL1, denied, denied},
		{loginstage.ACRAAL2, passes, denied},
		{loginstage.ACRAAL3, passes, denied},
		{"aal4", denied, denied},
		{"AAL2", denied, denied},
		{"gold", denied, passes},
		{"urn:bank", denied, passes},
	} {
		t.Run(test.acr, func(t *testing.T) {
			h := newHost(t, loginstage.Config{StepUpURL: "/prove"})
			h.signIn(loginstage.User{ID: "ada", ACR: test.acr})
			assert.Equal(t, test.strong, h.status("/strong"))
			assert.Equal(t, test.named, h.status("/named"))
			assert.Equal(t, denied, h.status("/none"), "nothing satisfies no demand")
		})
	}
	h := newHost(t, loginstage.Config{StepUpURL: "/prove"})
	h.signIn(loginstage.User{ID: "ada"})
	answer := h.Call("GET", "/named", nil)
	assert.Contains(t, answer.Header.Get("WWW-Authenticate"), `error="insufficient_user_authentication"`)
	assert.Contains(t, answer.Header.Get("WWW-Authenticate"), `acr_values="urn:bank gold"`)
	assert.Equal(t, "/prove?acr_values=urn%3Abank+gold&next=%2Fnamed", h.Get("/named").Header.Get("Location"))
}

// A client of an API is answered in the scheme that it used.
func TestInsufficientAuthenticationOfABearer(t *testing.T) {
	h := newHost(t, loginstage.Config{Carrier: session.Bearer{}})
	w := httptest.NewRecorder()
	_, _, err := h.stage.SignIn(w, httptest.NewRequest("POST", "/", nil), loginstage.User{ID: "ada"})
	require.NoError(t, err)
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+w.Header().Get(session.DefaultTokenHeader))
	answer := httptest.NewRecorder()
	h.stage.RequireACR(loginstage.ACRAAL2)(http.NotFoundHandler()).ServeHTTP(answer, r)
	assert.Equal(t, http.StatusUnauthorized, answer.Code)
	assert.Contains(t, answer.Header().Get("WWW-Authenticate"), `Bearer realm="user-login", error="insufficient_user_authentication"`)
}

// The host's own handler answers these denials too, and knows what is wanted.
func TestDenyOfWhatIsNotFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []*loginstage.AccessError
		h := newHost(t, loginstage.Config{Deny: func(w http.ResponseWriter, _ *http.Request, denied *loginstage.AccessError) {
			got = append(got, denied)
			w.WriteHeader(http.StatusTeapot)
		}})
		s := h.signIn(loginstage.User{ID: "ada"})
		time.Sleep(time.Hour)
		assert.Equal(t, http.StatusTeapot, h.status("/fresh"))
		assert.Equal(t, http.StatusTeapot, h.status("/strong"))
		require.Len(t, got, 2)
		assert.Equal(t, loginstage.DenialStale, got[0].Denial)
		assert.Equal(t, 15*time.Minute, got[0].MaxAge)
		assert.Equal(t, loginstage.DenialACR, got[1].Denial)
		assert.Equal(t, []string{loginstage.ACRAAL2}, got[1].ACR)
		assert.Equal(t, s.ID, got[1].Session.ID)
	})
}

// A preflight has no credentials, and is passed on as by Require.
func TestRequireFreshPassesPreflights(t *testing.T) {
	h := newHost(t, loginstage.Config{})
	r := httptest.NewRequest("OPTIONS", "/fresh", nil)
	r.Header.Set("Origin", "https://other.example.com")
	r.Header.Set("Access-Control-Request-Method", "GET")
	assert.Equal(t, passes, h.Do(r).StatusCode)
}
