package loginstage_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

// hostile are addresses that a browser would take for, or could be made to take
// for, a page of another origin.
var hostile = []string{
	"//evil.example", "///evil.example", "////evil.example", "//evil.example/%2f..", "/\\evil.example", "\\/evil.example", "\\\\evil.example",
	"/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "\t//evil.example", " //evil.example", "/ /evil.example", "/\x00/evil.example",
	"/\x7f/evil.example", "/a\\b", "/%\\evil", "https://evil.example", "https:evil.example", "https:/evil.example", "HTTPS://evil.example",
	"javascript:alert(1)", "data:text/html,x", "evil.example", "@evil.example", "?next=//evil.example", "#//evil.example", "*",
	"/a\r\nSet-Cookie: a=b", "/%zz", "/" + strings.Repeat("a", 2048), "/..//evil.example\t", "/\u00a0\\", "http://app.example.com\\@evil.example",
}

// harmless are pages of the same origin.
var harmless = []string{
	"/", "/a", "/a/b?c=d&e=f", "/a//b", "/a?next=//evil.example", "/a?u=https://evil.example", "/%2F%2Fevil.example", "/@evil.example", "/a:b",
	"/é", "/a#b", "/.//evil", "/..", "/" + strings.Repeat("a", 2047), "/?", "/%5Cevil.example",
}

func TestNext(t *testing.T) {
	for _, next := range hostile {
		assert.Equal(t, "/", loginstage.Next(get("/login?next="+url.QueryEscape(next))), "%q", next)
		assert.Equal(t, "/", loginstage.Next(post("next="+url.QueryEscape(next))), "%q", next)
	}
	for _, next := range harmless {
		assert.Equal(t, next, loginstage.Next(get("/login?next="+url.QueryEscape(next))), "%q", next)
		assert.Equal(t, next, loginstage.Next(post("next="+url.QueryEscape(next))), "%q", next)
	}
	assert.Equal(t, "/", loginstage.Next(get("/login")))
	assert.Equal(t, "/", loginstage.Next(get("/login?next=%zz")))
	assert.Equal(t, "/", loginstage.Next(get("/login?next=")))
}

func get(target string) *http.Request { return httptest.NewRequest("GET", target, nil) }

func post(form string) *http.Request {
	r := httptest.NewRequest("POST", "/login", strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// turnedAway returns where a GET for the request line's target is sent.
func turnedAway(t testing.TB, stage *loginstage.UserLogin, target string) string {
	t.Helper()
	r := get("/")
	r.Header.Set("Accept", "text/html")
	r.RequestURI = target
	if u, err := url.ParseRequestURI(target); err == nil {
		r.URL = u
	}
	w := httptest.NewRecorder()
	stage.Require(http.NotFoundHandler()).ServeHTTP(w, r)
	require.Equal(t, http.StatusSeeOther, w.Code)
	return w.Header().Get("Location")
}

func TestTheWayToTheSignIn(t *testing.T) {
	for _, test := range []struct{ loginURL, target, location string }{
		{"/login", "/a/b?c=d&e=f", "/login?next=%2Fa%2Fb%3Fc%3Dd%26e%3Df"},
		{"/login", "/a?next=//evil.example", "/login?next=%2Fa%3Fnext%3D%2F%2Fevil.example"},
		{"/login?lang=en", "/a", "/login?lang=en&next=%2Fa"},
		{"/login", "/login?next=/a", "/login"}, // no loop
		{"/login", "//evil.example/", "/login"},
		{"/login", "/\\evil.example", "/login"},
		{"/login", "/" + strings.Repeat("a", 3000), "/login"},
		// absolute-form, as a proxy sends it
		{"/login", "http://evil.example/a", "/login?next=%2Fa"},
		{"/login", "http://evil.example//evil.example/a", "/login"},
		{"/login", "*", "/login"},
	} {
		stage := loginstagetest.New(t, loginstage.Config{LoginURL: test.loginURL})
		assert.Equal(t, test.location, turnedAway(t, stage.UserLogin, test.target), "%.100q", test.target)
	}
	stage := loginstagetest.New(t, loginstage.Config{LoginURL: "/login"})
	for _, target := range hostile {
		location, err := url.Parse(turnedAway(t, stage.UserLogin, target))
		require.NoError(t, err)
		assert.Equal(t, "/login", location.Path)
		assert.Empty(t, location.Host)
		next := location.Query().Get("next")
		if next != "" {
			assert.Equal(t, next, loginstage.Next(get("/login?next="+url.QueryEscape(next))), "%q: what it says, it takes", target)
		}
	}
}

func TestTheWayBackIsTheClientsPath(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{LoginURL: "/login"})
	mux := http.NewServeMux()
	mux.Handle("/admin/", http.StripPrefix("/admin", stage.Require(http.NotFoundHandler())))
	browser := loginstagetest.NewBrowser(t, mux)
	assert.Equal(t, "/login?next=%2Fadmin%2Fusers", browser.Get("/admin/users").Header.Get("Location"))
}

// The way back has the prefix that a proxy has removed.
func TestTheWayBackThroughAProxyThatStripsAPrefix(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{LoginURL: "/app/login", StepUpURL: "/app/prove", PathPrefix: "/app"})
	for target, want := range map[string]string{
		"/account?a=b":           "/app/login?next=%2Fapp%2Faccount%3Fa%3Db",
		"/login?next=/app/a":     "/app/login", // no loop
		"//evil.example":         "/app/login",
		"/\\evil.example":        "/app/login",
		"http://evil.example/a":  "/app/login?next=%2Fapp%2Fa",
		"*":                      "/app/login",
		"http://evil.example//a": "/app/login",
	} {
		assert.Equal(t, want, turnedAway(t, stage.UserLogin, target), target)
	}

	// The proxy, and a form on a page that the browser knows with its prefix.
	browser := loginstagetest.NewBrowser(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.RequestURI = strings.TrimPrefix(r.RequestURI, "/app")
		r.URL.Path = strings.TrimPrefix(r.URL.Path, "/app")
		stage.Require(http.NotFoundHandler()).ServeHTTP(w, r)
	}))
	assert.Equal(t, "/app/login?next=%2Fapp%2Fcart", browser.Get("/app/cart").Header.Get("Location"))
	assert.Equal(t, "/app/login?next=%2Fapp%2Fcart", browser.PostForm("/app/order", nil).Header.Get("Location"))
}

func TestThereAndBack(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{LoginURL: "/login"})
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		if _, err := stage.Begin(w, r, loginstage.User{ID: "ada"}); assert.NoError(t, err) {
			http.Redirect(w, r, loginstage.Next(r), http.StatusSeeOther)
		}
	})
	mux.Handle("/", stage.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(r.RequestURI))
	})))
	browser := loginstagetest.NewBrowser(t, mux)
	browser.FollowRedirects = true
	assert.Equal(t, "/a/b?c=%2Fd&e=f", browser.Get("/a/b?c=%2Fd&e=f").Text)
}

// Whatever the text, a browser on https://host/ stays on host.
func FuzzNext(f *testing.F) {
	for _, next := range append(hostile, harmless...) {
		f.Add(next)
	}
	stage, err := loginstage.New(loginstage.Config{LoginURL: "/login"})
	require.NoError(f, err)
	base := &url.URL{Scheme: "https", Host: "host", Path: "/"}
	f.Fuzz(func(t *testing.T, next string) {
		got := loginstage.Next(get("/login?next=" + url.QueryEscape(next)))
		if got != "/" && got != next {
			t.Fatalf("%q became %q, which nobody asked for", next, got)
		}
		// A browser drops these wherever they are, and takes \ for / (WHATWG
		// URL, section 4.4).
		read := strings.NewReplacer("\t", "", "\n", "", "\r", "", "\\", "/").Replace(strings.Trim(got, "\x00 "))
		for _, as := range []string{got, read} {
			reference, err := url.Parse(as)
			require.NoError(t, err, "%q", as)
			resolved := base.ResolveReference(reference)
			require.Equal(t, "https", resolved.Scheme, "%q", as)
			require.Equal(t, "host", resolved.Host, "%q", as)
			require.Nil(t, resolved.User, "%q", as)
			require.False(t, strings.HasPrefix(as, "//"), "%q", as)
		}

		form := post("")
		form.Header.Set("Sec-Fetch-Mode", "navigate")
		form.Host = "host"
		form.Header.Set("Referer", "https://host"+next)
		posted := httptest.NewRecorder()
		stage.Require(http.NotFoundHandler()).ServeHTTP(posted, form)
		prefixed, err := loginstage.New(loginstage.Config{LoginURL: "/login", PathPrefix: "/app"})
		require.NoError(t, err)
		for _, sent := range []string{turnedAway(t, stage, next), posted.Header().Get("Location"), turnedAway(t, prefixed, next)} {
			location, err := base.Parse(sent)
			require.NoError(t, err)
			require.Equal(t, "host", location.Host)
			require.Equal(t, "/login", location.Path)
			if next := location.Query().Get("next"); next != "" {
				require.Equal(t, next, loginstage.Next(get("/login?next="+url.QueryEscape(next))), "what it says, it takes")
			}
		}
	})
}
