package fiberlogin_test

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/fiberlogin"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
)

type key struct{}

// Middleware outside the guard has its own context again once the guard returns, unless
// a handler has set another one to pass something out.
func TestOutsideTheGuard(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{})
	for _, replaces := range []bool{false, true} {
		app := fiber.New()
		app.Use(func(c fiber.Ctx) error {
			before := loginstage.NewContext(c.Context(), session.Session{User: "outside"})
			c.SetContext(before)
			err := c.Next()
			if c.Path() == "/" {
				assert.Equal(t, replaces, c.Context() != before)
				assert.Equal(t, replaces, c.Context().Value(key{}) != nil)
			}
			return err
		})
		app.Get("/", fiberlogin.AllowRestricted(stage.UserLogin), func(c fiber.Ctx) error {
			s, _ := fiberlogin.Current(c)
			assert.Equal(t, "ada", s.User)
			if replaces {
				c.SetContext(context.WithValue(c.Context(), key{}, true))
			}
			return nil
		})
		app.Post("/login", func(c fiber.Ctx) error {
			_, err := fiberlogin.Begin(c, stage.UserLogin, loginstage.User{ID: "ada"})
			return err
		})
		response, err := app.Test(httptest.NewRequest("POST", "https://localhost/login", nil))
		require.NoError(t, err)
		defer response.Body.Close()
		r := httptest.NewRequest("GET", "/", nil)
		for _, cookie := range response.Cookies() {
			r.AddCookie(cookie)
		}
		ask(t, app, r)
	}
}

// A preflight's own header is there again outside of Require, for those who log it.
func TestOutsideOfAPreflight(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{})
	app := fiber.New()
	app.Use(func(c fiber.Ctx) error {
		err := c.Next()
		assert.Equal(t, "a=b", c.Get(fiber.HeaderCookie))
		return err
	})
	app.Options("/", fiberlogin.Require(stage.UserLogin), func(c fiber.Ctx) error {
		assert.Empty(t, c.Get(fiber.HeaderCookie))
		assert.Empty(t, c.Get(fiber.HeaderAuthorization))
		assert.Empty(t, c.Body())
		assert.Equal(t, "https://other.example", c.Get(fiber.HeaderOrigin))
		return nil
	})
	r := httptest.NewRequest("OPTIONS", "/", nil)
	r.Header.Set("Origin", "https://other.example")
	r.Header.Set("Access-Control-Request-Method", "GET")
	r.Header.Set("Cookie", "a=b")
	r.Header.Set("Authorization", "Basic YTpi")
	ask(t, app, r)
}
