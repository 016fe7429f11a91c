package loginstage_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

// toldOf is what the event of a sign-in says of the request.
func toldOf(t testing.TB, r *http.Request) loginstage.Request {
	t.Helper()
	events := &loginstagetest.Recorder{}
	stage, err := loginstage.New(loginstage.Config{Events: events})
	require.NoError(t, err)
	_, err = stage.Begin(httptest.NewRecorder(), r, loginstage.User{ID: "ada"})
	require.NoError(t, err)
	return *events.Last().Context.HTTPRequest
}

func withQuery(raw string) *http.Request {
	r := httptest.NewRequest("GET", "/login", nil)
	r.URL.RawQuery = raw
	return r
}

func TestSecretArgumentsAreRedacted(t *testing.T) {
	const secret, hidden = "hunter2", "********"
	for _, name := range []string{
		"password", "Password", "PASSWD", "new_password", "passphrase", "pwd", "token", "access_token", "id-token", "refreshToken", "secret",
		"client_secret", "code", "auth_code", "codeVerifier", "key", "apikey", "API-Key", "authorization", "credentials", "signature", "sig",
		"session", "sessionid", "sid", "SID", "cookie", "otp", "totp", "pin", "jwt", "SAMLResponse", "assertion", "ticket", "nonce", "csrf", "hash", "proof", "pw", "bearer", "private",
	} {
		told := toldOf(t, withQuery(url.Values{name: {secret}}.Encode()))
		assert.Equal(t, map[string]string{name: hidden}, told.Args)
	}
	for _, name := range []string{"user", "q", "page", "lang", "id", "spin", "inside", "next", "email", "pwned"} {
		told := toldOf(t, withQuery(url.Values{name: {"value"}}.Encode()))
		assert.Equal(t, map[string]string{name: "value"}, told.Args)
	}
	for _, test := range []struct{ name, query, value string }{
		{"a page to return to", "/reset?token=hunter2", hidden},
		{"another origin", "https://x.example/cb?a=1&code=hunter2", hidden},
		{"escaped", "/reset?to%6ben=hunter2", hidden},
		{"badly escaped", "/reset?%zz=hunter2", hidden},
		{"in a fragment", "/cb#access_token=hunter2", hidden},
		{"in a fragment after a query", "/cb?a=1#access_token=hunter2", hidden},
		{"after a semicolon", "/cb?a=1;token=hunter2", hidden},
		{"a page within a page", "/authorize?next=%2Freset%3Ftoken%3Dhunter2", hidden},
		{"a page within a page within a page", "/a?b=%2Fc%3Fd%3D%252Fe%253Ftoken%253Dhunter2", hidden},
		{"an inner page without a secret", "/a?b=%2Fc%3Fd%3De#f", "/a?b=%2Fc%3Fd%3De#f"},
		{"no secret", "/a?b=c", "/a?b=c"},
		{"no query", "/a", "/a"},
	} {
		told := toldOf(t, withQuery("next="+url.QueryEscape(test.query)))
		assert.Equal(t, map[string]string{"next": test.value}, told.Args, test.name)
	}
}

func TestRequestIsBounded(t *testing.T) {
	var query strings.Builder
	for i := range 100 {
		query.WriteString("&a" + strconv.Itoa(1000+i) + "=" + strconv.Itoa(i))
	}
	told := toldOf(t, withQuery(query.String()))
	assert.Len(t, told.Args, 32)
	assert.Equal(t, "0", told.Args["a1000"])

	told = toldOf(t, withQuery("a="+strings.Repeat("ä", 1000)))
	assert.LessOrEqual(t, len(told.Args["a"]), 256)
	assert.True(t, utf8.ValidString(told.Args["a"]))

	told = toldOf(t, withQuery(strings.Repeat("n", 1000)+"=1"))
	assert.Equal(t, map[string]string{strings.Repeat("n", 64): "1"}, told.Args)

	r := httptest.NewRequest("GET", "/"+strings.Repeat("a", 5000), nil)
	r.Header.Set("User-Agent", strings.Repeat("é", 5000))
	r.Method = strings.Repeat("M", 5000)
	told = toldOf(t, r)
	assert.Len(t, told.Path, 1024)
	assert.Len(t, told.UserAgent, 512)
	assert.Len(t, told.Method, 64)

	told = toldOf(t, withQuery("a=1&a=2&b=%zz&c=3;d"))
	assert.Equal(t, map[string]string{"a": "2"}, told.Args, "the last value counts, and what does not parse is left out")
	assert.Empty(t, toldOf(t, withQuery("")).Args)
	assert.NotNil(t, toldOf(t, withQuery("")).Args)
}

func TestRequestHasNoHeaderAndNoBody(t *testing.T) {
	r := httptest.NewRequest("POST", "/login?q=1", strings.NewReader("password=hunter2"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer hunter2")
	r.Header.Set("Cookie", "a=hunter2")
	r.Header.Set("Referer", "https://x.example/?code=hunter2")
	require.NoError(t, r.ParseForm())
	told := toldOf(t, r)
	assert.Equal(t, loginstage.Request{Args: map[string]string{"q": "1"}, Path: "/login", Method: "POST"}, told)
}

// Whatever the query, what is told is bounded, and the value of an argument
// whose name looks secret is not in it.
func FuzzRequestInEvents(f *testing.F) {
	for _, query := range []string{"a=b", "password=x", "a=%zz", "next=/a?token=x", "&&==;", "a=%00%ff", "a=" + strings.Repeat("b", 300)} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		const secret = "sEcReT-vAlUe"
		told := toldOf(t, withQuery("password="+secret+"&"+query))
		require.LessOrEqual(t, len(told.Args), 32)
		for name, value := range told.Args {
			require.LessOrEqual(t, len(name), 64)
			require.LessOrEqual(t, len(value), 256)
			require.True(t, utf8.ValidString(name) && utf8.ValidString(value))
			if !strings.Contains(query, secret) {
				require.NotContains(t, value, secret)
			}
		}
	})
}
