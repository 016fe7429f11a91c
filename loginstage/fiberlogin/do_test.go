package fiberlogin_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/fiberlogin"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
)

// ask returns the status and the body of the app's answer to r.
func ask(t *testing.T, app *fiber.App, r *http.Request) (int, string) {
	t.Helper()
	response, err := app.Test(r)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

func TestDoHasTheRequest(t *testing.T) {
	app := fiber.New()
	app.Post("/items/:id", func(c fiber.Ctx) error {
		return fiberlogin.Do(c, func(w http.ResponseWriter, r *http.Request) error {
			assert.Equal(t, "POST", r.Method)
			assert.Equal(t, "/items/a%20b?q=1", r.RequestURI)
			assert.Equal(t, "/items/a b", r.URL.Path)
			assert.Equal(t, "app.example.com", r.Host)
			assert.NotContains(t, r.Header, "Host")
			assert.Equal(t, []string{"one", "two"}, r.Header["X-Several"])
			assert.Equal(t, "/items/:id", r.Pattern)
			assert.NotEmpty(t, r.PathValue("id"))
			assert.Equal(t, "/there", loginstage.Next(r), "it is in the form")
			w.Header().Add("X-Several", "three")
			w.Header().Add("X-Several", "four")
			w.WriteHeader(http.StatusAccepted)
			_, err := io.WriteString(w, "done")
			return err
		})
	})
	r := httptest.NewRequest("POST", "/items/a%20b?q=1", strings.NewReader("next=%2Fthere"))
	r.Host = "app.example.com"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header["X-Several"] = []string{"one", "two"}
	response, err := app.Test(r)
	require.NoError(t, err)
	defer response.Body.Close()
	assert.Equal(t, http.StatusAccepted, response.StatusCode)
	assert.Equal(t, []string{"three", "four"}, response.Header["X-Several"])
}

// What was taken from a request stays as it was, though Fiber uses its buffers again.
func TestRequestIsACopy(t *testing.T) {
	app := fiber.New()
	var kept []*http.Request
	app.Get("/items/:id", func(c fiber.Ctx) error {
		return fiberlogin.Do(c, func(_ http.ResponseWriter, r *http.Request) error {
			kept = append(kept, r)
			return nil
		})
	})
	for _, name := range []string{"aaaaaaaa", "bbbbbbbb", "cccccccc"} {
		r := httptest.NewRequest("GET", "/items/"+name, nil)
		r.Header.Set("User-Agent", name)
		ask(t, app, r)
	}
	require.Len(t, kept, 3)
	assert.Equal(t, "aaaaaaaa", kept[0].UserAgent())
	assert.Equal(t, "/items/aaaaaaaa", kept[0].URL.Path)
	assert.Equal(t, "aaaaaaaa", kept[0].PathValue("id"))
	_, err := kept[0].Body.Read(make([]byte, 1))
	assert.ErrorIs(t, err, fiberlogin.ErrOver)
}

func TestDoAfterTheRequest(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{})
	app := fiber.New()
	var kept fiber.Ctx
	app.Get("/", func(c fiber.Ctx) error {
		kept = c
		return nil
	})
	ask(t, app, httptest.NewRequest("GET", "/", nil))
	_, late := fiberlogin.Begin(kept, stage.UserLogin, loginstage.User{ID: "ada"})
	require.ErrorIs(t, late, fiberlogin.ErrOver)
	assert.Empty(t, stage.Events.Events())
}

func TestDoCannotFlushOrHijack(t *testing.T) {
	app := fiber.New()
	app.Get("/", func(c fiber.Ctx) error {
		return fiberlogin.Do(c, func(w http.ResponseWriter, _ *http.Request) error {
			control := http.NewResponseController(w)
			_, _, err := control.Hijack()
			return errors.Join(control.Flush(), err)
		})
	})
	status, text := ask(t, app, httptest.NewRequest("GET", "/", nil))
	assert.Equal(t, http.StatusInternalServerError, status)
	assert.Equal(t, 2, strings.Count(text, http.ErrNotSupported.Error()))
}

func TestTargetsThatAreNoPath(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{})
	app := fiber.New()
	app.Use(fiberlogin.Guard(stage.UserLogin), func(fiber.Ctx) error {
		t.Error("the handler ran")
		return nil
	})
	r := httptest.NewRequest("GET", "/", nil)
	r.RequestURI = "/%zz"
	status, text := ask(t, app, r)
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, text, "/%zz")
}

// A stage with a Deny of this package can guard what is not Fiber's, and what Deny
// returns is answered by the error handler.
func TestDeny(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{Deny: fiberlogin.Deny(func(_ fiber.Ctx, denied *loginstage.AccessError) error {
		return fiber.NewError(fiber.StatusTeapot, string(denied.Denial))
	})})
	app := fiber.New()
	app.Get("/", fiberlogin.Require(stage.UserLogin), func(fiber.Ctx) error {
		t.Error("the handler ran")
		return nil
	})
	response, err := app.Test(httptest.NewRequest("GET", "/", nil))
	require.NoError(t, err)
	defer response.Body.Close()
	assert.Equal(t, http.StatusTeapot, response.StatusCode)
	assert.Equal(t, "no-store", response.Header.Get("Cache-Control"))

	w := httptest.NewRecorder()
	stage.Require(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	assert.Equal(t, http.StatusUnauthorized, w.Code)
}

// What a session goes on as reaches the client in Fiber's way.
func TestReauthenticateAndComplete(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{Carrier: session.Bearer{}})
	app := fiber.New()
	app.Post("/login", func(c fiber.Ctx) error {
		_, err := fiberlogin.Begin(c, stage.UserLogin, loginstage.User{ID: "ada", Required: []string{"terms"}})
		return err
	})
	app.Post("/complete/:action", fiberlogin.AllowRestricted(stage.UserLogin), func(c fiber.Ctx) error {
		return fiberlogin.Complete(c, stage.UserLogin, c.Params("action"))
	})
	app.Post("/again/:user", fiberlogin.Require(stage.UserLogin), func(c fiber.Ctx) error {
		s, err := fiberlogin.Reauthenticate(c, stage.UserLogin, loginstage.User{ID: c.Params("user"), ACR: loginstage.ACRAAL2})
		if err != nil {
			return err
		}
		return c.SendString(s.User + " " + s.ACR)
	})
	token := ""
	post := func(path string) (int, string) {
		r := httptest.NewRequest("POST", path, nil)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		response, err := app.Test(r)
		require.NoError(t, err)
		defer response.Body.Close()
		if given := response.Header.Get(session.DefaultTokenHeader); given != "" {
			require.NotEqual(t, token, given)
			token = given
		}
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response.StatusCode, string(text)
	}
	status, _ := post("/login")
	require.Equal(t, http.StatusOK, status)
	status, _ = post("/again/ada")
	assert.Equal(t, http.StatusForbidden, status, "there is something to do first")
	status, _ = post("/complete/another")
	assert.Equal(t, http.StatusInternalServerError, status)
	status, _ = post("/complete/terms")
	require.Equal(t, http.StatusOK, status)
	status, _ = post("/again/eve")
	assert.Equal(t, http.StatusInternalServerError, status)
	before := token
	status, text := post("/again/ada")
	require.Equal(t, http.StatusOK, status)
	assert.Equal(t, "ada "+loginstage.ACRAAL2, text)
	assert.NotEqual(t, before, token)
}

// A stream that is over leaves no context behind, and one outside of a guard has ended.
func TestLive(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{Carrier: session.Bearer{}})
	app := fiber.New()
	live := map[string]context.Context{}
	app.Post("/login", func(c fiber.Ctx) error {
		_, err := fiberlogin.Begin(c, stage.UserLogin, loginstage.User{ID: "ada"})
		return err
	})
	open := func(c fiber.Ctx) error {
		one, done := fiberlogin.Live(c, stage.UserLogin)
		two, doneToo := fiberlogin.LiveInUse(c, stage.UserLogin)
		live["one"], live["two"] = one, two //nolint:fatcontext // of each path
		assert.Equal(t, c.Path() == "/live", one.Err() == nil)
		assert.Equal(t, c.Path() == "/live", two.Err() == nil)
		s, signedIn := loginstage.Current(one)
		assert.Equal(t, c.Path() == "/live", signedIn, s.User)
		done()
		doneToo()
		return nil
	}
	app.Get("/live", fiberlogin.Require(stage.UserLogin), open)
	app.Get("/bare", open)
	response, err := app.Test(httptest.NewRequest("POST", "/login", nil))
	require.NoError(t, err)
	defer response.Body.Close()
	for _, path := range []string{"/bare", "/live"} {
		r := httptest.NewRequest("GET", path, nil)
		if path == "/live" {
			r.Header.Set("Authorization", "Bearer "+response.Header.Get(session.DefaultTokenHeader))
		}
		status, _ := ask(t, app, r)
		require.Equal(t, http.StatusOK, status)
		for _, ctx := range live {
			<-ctx.Done()
			assert.ErrorIs(t, ctx.Err(), context.Canceled)
			_, ended := errors.AsType[*loginstage.LiveError](ctx.Err())
			assert.Equal(t, path == "/bare", ended)
		}
	}
}

// A Deny that answers some denials leaves the others to Respond.
func TestDenyResponds(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{Deny: fiberlogin.Deny(func(c fiber.Ctx, denied *loginstage.AccessError) error {
		return fiberlogin.Do(c, func(w http.ResponseWriter, r *http.Request) error {
			denied.Respond(w, r)
			return nil
		})
	})})
	app := fiber.New()
	app.Get("/", fiberlogin.Require(stage.UserLogin), func(fiber.Ctx) error {
		t.Error("the handler ran")
		return nil
	})
	response, err := app.Test(httptest.NewRequest("GET", "/", nil))
	require.NoError(t, err)
	defer response.Body.Close()
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
	assert.Equal(t, "application/problem+json", response.Header.Get("Content-Type"))
	assert.Equal(t, `Session realm="user-login"`, response.Header.Get("WWW-Authenticate"))
	assert.Equal(t, "no-store", response.Header.Get("Cache-Control"))
}
