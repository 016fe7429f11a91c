package echo4login_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/echo4login"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

type key struct{}

// Middleware outside the guard has its own request and response again once the guard
// returns, unless a handler has set another request to pass something out.
func TestOutsideTheGuard(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{})
	for _, replaces := range []bool{false, true} {
		e := echo.New()
		e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error {
				request, response := c.Request(), c.Response()
				err := next(c)
				assert.Same(t, response, c.Response())
				assert.Equal(t, replaces && c.Path() == "/", c.Request() != request)
				assert.Equal(t, replaces && c.Path() == "/", c.Request().Context().Value(key{}) != nil)
				assert.Equal(t, http.StatusTeapot, statusOf(c))
				return err
			}
		})
		e.POST("/login", func(c echo.Context) error {
			_, err := stage.Begin(c.Response(), c.Request(), loginstage.User{ID: "ada"})
			assert.NoError(t, err)
			return c.NoContent(http.StatusTeapot)
		})
		e.GET("/", func(c echo.Context) error {
			if replaces {
				c.SetRequest(c.Request().WithContext(context.WithValue(c.Request().Context(), key{}, true)))
			}
			return c.NoContent(http.StatusTeapot)
		}, echo4login.Guard(stage.UserLogin))
		browser := loginstagetest.NewBrowser(t, e)
		browser.PostForm("/login", nil)
		assert.Equal(t, http.StatusTeapot, browser.Get("/").StatusCode)
	}
}

func statusOf(c echo.Context) int { return c.Response().Status }
