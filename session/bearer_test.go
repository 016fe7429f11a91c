package session_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sessiontest"
)

// apiClient keeps the token that it was given by header.
type apiClient struct{ token, scheme, header string }

func (c *apiClient) Send(r *http.Request) {
	if c.token != "" {
		r.Header.Set("Authorization", c.scheme+" "+c.token)
	}
}

func (c *apiClient) Receive(response *http.Response) {
	if given, ok := response.Header[c.header]; ok {
		c.token = given[0]
	}
}

// fetching is a browser that says so.
type fetching struct{ sessiontest.Client }

func (c fetching) Send(r *http.Request) {
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	c.Client.Send(r)
}

func TestBearerKeepsTheContract(t *testing.T) {
	for _, scheme := range []string{"Bearer", "bearer", "DPoP"} {
		sessiontest.RunCarrierWith(t, func(*testing.T) session.Carrier { return session.Bearer{} }, func() sessiontest.Client {
			return &apiClient{scheme: scheme, header: session.DefaultTokenHeader}
		})
	}
	sessiontest.RunCarrierWith(t, func(*testing.T) session.Carrier { return session.Bearer{Header: "X-Token"} }, func() sessiontest.Client {
		return &apiClient{scheme: "Bearer", header: "X-Token"}
	})
}

func TestCookieOrBearerKeepsTheContract(t *testing.T) {
	open := func(*testing.T) session.Carrier { return session.CookieOrBearer{} }
	t.Run("browser", func(t *testing.T) {
		sessiontest.RunCarrierWith(t, open, func() sessiontest.Client { return fetching{sessiontest.NewBrowser()} })
	})
	t.Run("API client", func(t *testing.T) {
		sessiontest.RunCarrierWith(t, open, func() sessiontest.Client {
			return &apiClient{scheme: "Bearer", header: session.DefaultTokenHeader}
		})
	})
}

func TestBearerReadsOneWellFormedTokenFromTheHeader(t *testing.T) {
	token := session.NewToken("ada")
	for name, lines := range map[string][]string{
		"none": nil, "no scheme": {token.Secret()}, "another scheme": {"Basic " + token.Secret()},
		"two": {"Bearer " + token.Secret(), "Bearer " + token.Secret()}, "a list": {"Bearer " + token.Secret() + ", Bearer " + token.Secret()},
		"cut": {"Bearer " + token.Secret()[1:]}, "empty": {"Bearer "}, "scheme alone": {"Bearer"}, "quoted": {`Bearer "` + token.Secret() + `"`},
	} {
		r := httptest.NewRequest(http.MethodGet, "/?access_token="+token.Secret(), nil)
		r.Header["Authorization"] = lines
		for _, carrier := range []session.Carrier{session.Bearer{}, session.CookieOrBearer{}} {
			got, err := carrier.Read(r)
			require.NoError(t, err)
			assert.True(t, got.IsZero(), "%s, %T", name, carrier)
		}
	}
}

func TestCookieOrBearerNeverTakesBoth(t *testing.T) {
	carrier := session.CookieOrBearer{}
	own, planted := session.NewToken("ada"), session.NewToken("mallory")
	for _, authorization := range [][]string{
		{"Bearer " + planted.Secret()}, {"Bearer nothing"}, {"DPoP " + own.Secret()}, {"Bearer " + own.Secret(), "Bearer " + own.Secret()},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", session.DefaultCookieName+"="+own.Secret())
		r.Header["Authorization"] = authorization
		got, err := carrier.Read(r)
		require.NoError(t, err)
		assert.True(t, got.IsZero(), "%v", authorization)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Cookie", session.DefaultCookieName+"="+own.Secret())
	r.Header.Set("Authorization", "Basic c3RhZ2luZw==") // of a proxy
	got, err := carrier.Read(r)
	require.NoError(t, err)
	assert.True(t, got == own)
}

// A script that asks for the token by header gets none: what says that it is in a
// browser is not its to leave out.
func TestNoBrowserIsGivenABearerToken(t *testing.T) {
	for name, header := range map[string]http.Header{
		"Fetch Metadata": {"Sec-Fetch-Mode": {"cors"}}, "Origin": {"Origin": {"https://app.example"}},
		"its cookie": {"Cookie": {session.DefaultCookieName + "=x"}}, "a form": {"Accept": {"text/html,*/*"}},
	} {
		r := httptest.NewRequest(http.MethodPost, "/login", nil)
		r.Header = header
		w := httptest.NewRecorder()
		require.NoError(t, session.CookieOrBearer{}.Write(w, r, session.NewToken("ada"), 0))
		assert.Empty(t, w.Header().Get(session.DefaultTokenHeader), name)
		assert.Len(t, w.Result().Cookies(), 1, name)
	}
}

func TestBearerMistakes(t *testing.T) {
	assert.NoError(t, session.Bearer{}.Validate())
	for _, name := range []string{"a b", "set-cookie", "ü", "a:"} {
		assert.ErrorContains(t, session.Bearer{Header: name}.Validate(), "Mooring-Token", name)
		err := session.CookieOrBearer{Cookie: session.Cookie{Name: "a b"}, Bearer: session.Bearer{Header: name}}.Validate()
		assert.ErrorContains(t, err, "cookie Name", name)
		assert.ErrorContains(t, err, "bearer Header", name)
	}
}
