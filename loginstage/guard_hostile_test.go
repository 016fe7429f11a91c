package loginstage_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
)

// No header that a client can send signs it in but its own token, in one cookie;
// and only what is well formed reaches the store.
func TestHostileClients(t *testing.T) {
	store := loginstagetest.NewStore(nil)
	stage, browser := open(t, loginstage.Config{Store: store, LoginURL: "/login"})
	signIn(t, browser, "ada")
	token := browser.Cookie(cookie)
	id := sessions(t, stage, "ada")[0].ID.String()
	foreign := session.NewToken("ada").Secret()
	flip := func(i int) string {
		text := []byte(token)
		if text[i]++; text[i] == '{' || text[i] == '[' || text[i] == ':' || text[i] == '.' || text[i] == '`' {
			text[i] = 'A'
		}
		return string(text)
	}

	for _, test := range []struct {
		name    string
		cookies []string
		user    string
		lookups int
	}{
		{"the token", []string{cookie + "=" + token}, "ada", 1},
		{"the token among others", []string{"a=b; " + cookie + "=" + token + "; c=d"}, "ada", 1},
		{"the token on its own line", []string{"a=b", cookie + "=" + token}, "ada", 1},
		{"nothing", nil, "nobody", 0},
		{"empty", []string{cookie + "="}, "nobody", 0},
		{"no value", []string{cookie}, "nobody", 0},
		{"only separators", []string{";;; ;==;=;"}, "nobody", 0},
		{"twice on a line", []string{cookie + "=" + token + "; " + cookie + "=" + token}, "nobody", 0},
		{"twice on two lines", []string{cookie + "=" + token, cookie + "=" + token}, "nobody", 0},
		{"another before it", []string{cookie + "=" + foreign + "; " + cookie + "=" + token}, "nobody", 0},
		{"an empty one before it", []string{cookie + "=; " + cookie + "=" + token}, "nobody", 0},
		{"made up", []string{cookie + "=" + foreign}, "nobody", 1},
		{"the session's ID", []string{cookie + "=" + id}, "nobody", 1},
		{"the first character changed", []string{cookie + "=" + flip(0)}, "nobody", 1},
		{"the last of the secret changed", []string{cookie + "=" + flip(42)}, "nobody", 1},
		{"the shard changed", []string{cookie + "=" + flip(44)}, "nobody", 1},
		{"one character short", []string{cookie + "=" + token[1:]}, "nobody", 0},
		{"one character long", []string{cookie + "=" + token + "A"}, "nobody", 0},
		{"in quotes", []string{cookie + `="` + token + `"`}, "nobody", 0},
		{"escaped", []string{cookie + "=%" + token[1:]}, "nobody", 0},
		{"a NUL", []string{cookie + "=" + token[:44] + "\x00"}, "nobody", 0},
		{"a line end", []string{cookie + "=" + token[:44] + "\n"}, "nobody", 0},
		{"not ASCII", []string{cookie + "=" + token[:43] + "é"}, "nobody", 0},
		{"standard base64", []string{cookie + "=" + token[:44] + "+"}, "nobody", 0},
		{"the name in another case", []string{strings.ToUpper(cookie) + "=" + token}, "nobody", 0},
		{"the name with a suffix", []string{cookie + "x=" + token}, "nobody", 0},
		{"the name without its prefix", []string{"mooring=" + token}, "nobody", 0},
		{"inside another value", []string{"a=" + cookie + "=" + token}, "nobody", 0},
		{"huge", []string{cookie + "=" + strings.Repeat("A", 1<<20)}, "nobody", 0},
		{"very many", []string{strings.Repeat("a=b; ", 50_000) + cookie + "=" + foreign}, "nobody", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := store.Calls(loginstagetest.Get)
			r := httptest.NewRequest("GET", "/whoami", nil)
			r.Header["Cookie"] = test.cookies
			w := httptest.NewRecorder()
			app(stage.UserLogin).ServeHTTP(w, r)
			assert.Equal(t, http.StatusOK, w.Code)
			assert.Equal(t, test.user, w.Body.String())
			assert.Equal(t, test.lookups, store.Calls(loginstagetest.Get)-before)
			assert.Empty(t, w.Header()["Set-Cookie"])
		})
	}
	for _, header := range []string{"Authorization", "X-Session", "Session", cookie, "Set-Cookie", "X-Forwarded-User"} {
		r := httptest.NewRequest("GET", "/whoami", nil)
		r.Header.Set(header, cookie+"="+token)
		w := httptest.NewRecorder()
		app(stage.UserLogin).ServeHTTP(w, r)
		assert.Equal(t, "nobody", w.Body.String(), header)
	}
	assert.Equal(t, "ada", whoami(browser), "and none of it did the session any harm")
}

// What a client sends does not get into the headers of an answer.
func TestNothingIsInjected(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{Name: `a"b\c`, LoginURL: "/login"})
	for _, target := range hostile {
		r := httptest.NewRequest("GET", "/", nil)
		r.RequestURI = target
		r.Header.Set("Accept", "text/html")
		r.Header.Set("User-Agent", target)
		w := httptest.NewRecorder()
		stage.Require(http.NotFoundHandler()).ServeHTTP(w, r)
		for name, values := range w.Header() {
			for _, value := range values {
				assert.False(t, strings.ContainsAny(value, "\r\n\x00"), "%s: %q", name, value)
			}
		}
	}
	w := httptest.NewRecorder()
	stage.Require(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	assert.Equal(t, `Session realm="a\"b\\c"`, w.Header().Get("WWW-Authenticate"))
}

// Whatever is in the header, nobody is signed in by it, nothing is set, and the
// session that there is goes on.
func FuzzGuardCookie(f *testing.F) {
	token := session.NewToken("ada").Secret()
	for _, header := range []string{"", cookie + "=" + token, cookie + "=" + token + "; " + cookie + "=", "=;;", cookie + "=\"" + token + "\"", "a=b\x00", pendingCookie + "=" + token, cookie + "_device_AA=" + token} {
		f.Add(header)
	}
	stage, err := loginstage.New(loginstage.Config{RememberDevice: remembering.RememberDevice})
	require.NoError(f, err)
	_, err = stage.Begin(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil), loginstage.User{ID: "ada"})
	require.NoError(f, err)
	handler := app(stage)
	f.Fuzz(func(t *testing.T, header string) {
		for _, path := range []string{"/whoami", "/private/", "/login"} {
			r := httptest.NewRequest("GET", path, nil)
			r.Header["Cookie"] = []string{header}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			require.Contains(t, map[string][]int{"/whoami": {200}, "/private/": {401}, "/login": {200}}[path], w.Code)
			require.NotContains(t, w.Body.String(), "ada")
			require.Empty(t, w.Header()["Set-Cookie"])
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Cookie"] = []string{header}
		known, err := stage.KnownDevice(r, "ada")
		require.NoError(t, err)
		require.False(t, known)
		live, err := stage.Sessions(t.Context(), "ada")
		require.NoError(t, err)
		require.Len(t, live, 1)
	})
}
