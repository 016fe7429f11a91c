package loginstagetest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

// app returns a host: it signs in any user who posts their name to /login, shows / to
// those who are signed in, and signs out by a POST to /logout.
func app(login *loginstage.UserLogin) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		challenge, err := login.Begin(w, r, loginstage.User{ID: r.FormValue("user")})
		switch {
		case err != nil:
			http.Error(w, err.Error(), http.StatusForbidden)
		case challenge != nil:
			http.Redirect(w, r, "/stay", http.StatusSeeOther)
		}
	})
	mux.HandleFunc("POST /stay", func(w http.ResponseWriter, r *http.Request) {
		if err := login.Finish(w, r, loginstage.Answer{StaySignedIn: r.FormValue("stay") == "yes"}); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		if err := login.Logout(w, r); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
	mux.Handle("GET /{$}", login.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := loginstage.Current(r.Context())
		_, _ = w.Write([]byte("hello " + s.User))
	})))
	return login.Guard(mux)
}

func TestAbroadIsSignedOut(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{GeoIPBinding: binding.GeoIPCountry})
	browser := loginstagetest.NewBrowser(t, app(stage.UserLogin))

	browser.PostForm("/login", url.Values{"user": {"ada"}})
	require.Equal(t, "hello ada", browser.Get("/").Text)

	browser.MoveTo(bindingtest.Paris)
	require.Equal(t, http.StatusUnauthorized, browser.Get("/").StatusCode)
	require.Equal(t, binding.GeoIPCountryChanged, stage.Events.Last().Context.Binding.Reason)
}

func TestOnAnotherContinentIsSignedOut(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{GeoIPBinding: binding.GeoIPCountry})
	browser := loginstagetest.NewBrowser(t, app(stage.UserLogin))

	browser.PostForm("/login", url.Values{"user": {"ada"}})
	browser.MoveTo(bindingtest.Tokyo)
	require.Equal(t, http.StatusUnauthorized, browser.Get("/").StatusCode)
	require.Equal(t, binding.GeoIPContinentChanged, stage.Events.Last().Context.Binding.Reason)
}

// A host's test of a session that ends abroad is promised to be under 15 lines.
func TestAHostsTestIsShort(t *testing.T) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "loginstagetest_test.go", nil, 0)
	require.NoError(t, err)
	short := 0
	for _, decl := range file.Decls {
		function, ok := decl.(*ast.FuncDecl)
		if ok && (function.Name.Name == "TestAbroadIsSignedOut" || function.Name.Name == "TestOnAnotherContinentIsSignedOut") {
			short++
			assert.Less(t, files.Position(function.End()).Line-files.Position(function.Pos()).Line+1, 15, function.Name.Name)
		}
	}
	require.Equal(t, 2, short)
}

func TestSessionLastsUntilTheWindowIsClosed(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{})
	browser := loginstagetest.NewBrowser(t, app(stage.UserLogin))
	browser.PostForm("/login", url.Values{"user": {"ada"}})
	require.Equal(t, http.StatusOK, browser.Get("/").StatusCode)
	browser.CloseWindow()
	require.Equal(t, http.StatusUnauthorized, browser.Get("/").StatusCode)
}

func TestStayingSignedInOutlastsTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := loginstagetest.New(t, loginstage.Config{StaySignedInOffset: duration.MustParse("weeks=2")})
		browser := loginstagetest.NewBrowser(t, app(stage.UserLogin))
		response := browser.PostForm("/login", url.Values{"user": {"ada"}})
		require.Equal(t, "/stay", response.Header.Get("Location"))
		browser.PostForm("/stay", url.Values{"stay": {"yes"}})
		browser.CloseWindow()
		require.Equal(t, http.StatusOK, browser.Get("/").StatusCode)

		time.Sleep(14*24*time.Hour - time.Nanosecond)
		require.Equal(t, http.StatusOK, browser.Get("/").StatusCode)
		time.Sleep(time.Nanosecond)
		require.Equal(t, http.StatusUnauthorized, browser.Get("/").StatusCode)
		require.Empty(t, browser.Cookie("__Host-mooring"), "the browser forgot it")
	})
}
