package echo5login_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v5"
	"github.com/stretchr/testify/assert"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/echo5login"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

// What a Deny returns is answered by echo's error handler, and is not cacheable.
func TestDenyReturnsAnError(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{Deny: echo5login.Deny(func(_ *echo.Context, denied *loginstage.AccessError) error {
		return echo.NewHTTPError(http.StatusTeapot, string(denied.Denial))
	})})
	e := echo.New()
	e.GET("/", func(*echo.Context) error {
		t.Error("the handler ran")
		return nil
	}, echo5login.Require(stage.UserLogin))
	response := loginstagetest.NewBrowser(t, e).Get("/")
	assert.Equal(t, http.StatusTeapot, response.StatusCode)
	assert.JSONEq(t, `{"message":"sign_in"}`, response.Text)
	assert.Equal(t, "no-store", response.Header.Get("Cache-Control"))
}

// A stage with such a Deny can guard what is not echo's.
func TestDenyWithoutEcho(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{Deny: echo5login.Deny(func(*echo.Context, *loginstage.AccessError) error {
		t.Error("there is no context to call it with")
		return nil
	})})
	w := httptest.NewRecorder()
	stage.Require(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	assert.Equal(t, http.StatusUnauthorized, w.Code)
}

// A Deny that answers some denials leaves the others to Respond.
func TestDenyResponds(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{Deny: echo5login.Deny(func(c *echo.Context, denied *loginstage.AccessError) error {
		denied.Respond(c.Response(), c.Request())
		return nil
	})})
	e := echo.New()
	e.GET("/", func(*echo.Context) error {
		t.Error("the handler ran")
		return nil
	}, echo5login.Require(stage.UserLogin))
	response := loginstagetest.NewBrowser(t, e).Get("/")
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
	assert.Equal(t, "application/problem+json", response.Header.Get("Content-Type"))
}
