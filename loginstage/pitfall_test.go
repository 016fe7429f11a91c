package loginstage_test

import (
	"bytes"
	"crypto/tls"
	"log/slog"
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

// logged returns a stage and its log.
func logged(t *testing.T, config loginstage.Config) (*loginstagetest.Stage, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	config.Logger = slog.New(slog.NewTextHandler(log, nil))
	return loginstagetest.New(t, config), log
}

// A sign-in that the browser will not keep the cookie of is said once.
func TestASignInOverPlainHTTPIsSaidOnce(t *testing.T) {
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	for _, test := range []struct {
		name   string
		url    string
		header http.Header
		config loginstage.Config
		warns  bool
	}{
		{"another host", "http://192.168.1.5:8080/login", nil, loginstage.Config{}, true},
		{"as the browser says", "http://app.example.com/login", header("Origin", "http://app.example.com"), loginstage.Config{}, true},
		{"as the proxy says", "http://app.example.com/login", header("X-Forwarded-Proto", "http"), loginstage.Config{}, true},
		{"the challenge's cookie", "http://app.example.com/login", nil, asking, true},
		{"localhost", "http://localhost:8080/login", nil, loginstage.Config{}, false},
		{"a name of it", "http://app.localhost/login", nil, loginstage.Config{}, false},
		{"127.0.0.1", "http://127.0.0.1:8080/login", nil, loginstage.Config{}, false},
		{"::1", "http://[::1]:8080/login", nil, loginstage.Config{}, false},
		{"TLS", "https://app.example.com/login", nil, loginstage.Config{}, false},
		{"TLS in front, says the browser", "http://app.example.com/login", header("Origin", "https://app.example.com"), loginstage.Config{}, false},
		{"TLS in front, says the proxy", "http://app.example.com/login", header("X-Forwarded-Proto", "https"), loginstage.Config{}, false},
		{"a proxy that says nothing", "http://app.example.com/login", header("X-Forwarded-For", "192.0.2.1"), loginstage.Config{}, false},
		{"a cookie for it", "http://192.168.1.5/login", nil, loginstage.Config{Carrier: session.Cookie{InsecureHTTP: true}}, false},
		{"no cookie of ours", "http://192.168.1.5/login", nil, loginstage.Config{Carrier: &carrier{}}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			stage, log := logged(t, test.config)
			for range 2 {
				r := httptest.NewRequest("POST", test.url, nil)
				for name, values := range test.header {
					r.Header[name] = values
				}
				_, err := stage.Begin(httptest.NewRecorder(), r, loginstage.User{ID: "ada"})
				require.NoError(t, err)
			}
			want := 0
			if test.warns {
				want = 1
			}
			assert.Equal(t, want, strings.Count(log.String(), "plain HTTP"), log.String())
		})
	}
}

// A host that ignores the challenge is told, once, what it has to do.
func TestAChallengeThatIsIgnoredIsSaidOnce(t *testing.T) {
	stage, log := logged(t, asking)
	browser := loginstagetest.NewBrowser(t, app(stage.UserLogin))
	browser.Get("/private/")
	assert.Empty(t, log.String())
	begin(t, browser, "ada")
	for range 2 {
		require.Equal(t, http.StatusUnauthorized, browser.Get("/private/").StatusCode)
	}
	assert.Equal(t, 1, strings.Count(log.String(), "call Finish"), log.String())
}

// After a change of the cookie's Domain or Path the browser has two cookies of the
// name, which is said once; the next sign-in leaves one.
func TestTwoCookiesOfTheName(t *testing.T) {
	current := session.Cookie{Name: "sid"}
	for name, earlier := range map[string]session.Cookie{
		"a domain above": {Name: "sid", Domain: "example.com"},
		"a path":         {Name: "sid", Path: "/app"},
		"both":           {Name: "sid", Domain: "example.com", Path: "/app"},
	} {
		for _, config := range []loginstage.Config{{}, asking} {
			t.Run(name, func(t *testing.T) {
				config.Carrier = earlier
				before := loginstagetest.New(t, config)
				config.Carrier = current
				stage, log := logged(t, config)
				now := app(before.UserLogin)
				browser := loginstagetest.NewBrowser(t, http.StripPrefix("/app", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					now.ServeHTTP(w, r)
				})))
				signInUnder(t, browser)
				now = app(stage.UserLogin)
				signInUnder(t, browser)
				for range 2 {
					require.Equal(t, "nobody", browser.Get("/app/whoami").Text)
				}
				assert.Equal(t, 1, strings.Count(log.String(), "several cookies"), log.String())
				signInUnder(t, browser)
				assert.Equal(t, "ada", browser.Get("/app/whoami").Text)
			})
		}
	}
}

func signInUnder(t *testing.T, browser *loginstagetest.Browser) {
	t.Helper()
	response := browser.PostForm("/app/begin?user=ada", nil)
	if response.StatusCode == http.StatusAccepted {
		response = browser.PostForm("/app/finish", nil)
	}
	require.Equal(t, http.StatusOK, response.StatusCode, response.Text)
}

// One cookie is left alone, and so are others whose names contain the name.
func TestOneCookieIsNotTwo(t *testing.T) {
	stage, log := logged(t, loginstage.Config{Carrier: session.Cookie{Name: "sid"}})
	r := httptest.NewRequest("POST", "https://app.example.com/a/b", nil)
	r.TLS = &tls.ConnectionState{}
	r.Header.Set("Cookie", "sid=x; xsid=y; sidx=z; a=sid=")
	w := httptest.NewRecorder()
	stage.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := stage.Begin(w, r, loginstage.User{ID: "ada"})
		assert.NoError(t, err)
	})).ServeHTTP(w, r)
	assert.Len(t, w.Header()["Set-Cookie"], 1)
	assert.Empty(t, log.String())
}
