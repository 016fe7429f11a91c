package fiberlogin

import (
	"net/http"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

// Guard is [loginstage.UserLogin.Guard]: it passes each request on, and [Current]
// returns its session.
func Guard(login *loginstage.UserLogin) fiber.Handler { return middleware(login.Guard) }

// Require is [loginstage.UserLogin.Require]: it passes on the requests of signed-in
// users alone.
func Require(login *loginstage.UserLogin) fiber.Handler { return middleware(login.Require) }

// AllowRestricted is [loginstage.UserLogin.AllowRestricted]: behind it Current returns
// a restricted session too.
func AllowRestricted(login *loginstage.UserLogin) fiber.Handler {
	return middleware(login.AllowRestricted)
}

// RequireFresh is [loginstage.UserLogin.RequireFresh]: it is Require for sessions whose
// user has proved who they are at most age ago.
func RequireFresh(login *loginstage.UserLogin, age time.Duration) fiber.Handler {
	return middleware(login.RequireFresh(age))
}

// RequireACR is [loginstage.UserLogin.RequireACR]: it is Require for sessions whose user
// was proved well enough.
func RequireACR(login *loginstage.UserLogin, acr ...string) fiber.Handler {
	return middleware(login.RequireACR(acr...))
}

// Current returns the session that the request was sent in, behind a guard: see
// [loginstage.Current].
func Current(c fiber.Ctx) (session.Session, bool) { return loginstage.Current(c.Context()) }

// Restricted returns the session that the request was sent in, behind a guard, if it
// is restricted: see [loginstage.Restricted].
func Restricted(c fiber.Ctx) (session.Session, bool) { return loginstage.Restricted(c.Context()) }

// middleware returns the guard as Fiber has it. While the handlers behind it run, c has
// the context of the guard's request.
func middleware(guard func(http.Handler) http.Handler) fiber.Handler {
	return func(c fiber.Ctx) error {
		came, err := request(c)
		if err != nil {
			return err
		}
		outer := newWriter(c)
		outer.sent = came.Header
		defer outer.store()
		guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if writerOf(w) == nil {
				outer.err = nextOfPreflight(c, w, outer, r)
			} else {
				outer.err = next(c, outer, r)
			}
		})).ServeHTTP(outer, came)
		return outer.err
	}
}

// next runs the handlers behind the guard, with the context of r.
func next(c fiber.Ctx, outer *writer, r *http.Request) error {
	before, within := c.Context(), r.Context()
	c.SetContext(within)
	defer func() {
		outer.load()
		if c.Context() == within { // and not what a handler has set for those outside
			c.SetContext(before)
		}
	}()
	return c.Next()
}

// nextOfPreflight returns the handler for a CORS preflight that Require passes on: the handlers do
// not see what says who sent it, and w drops the body that they write.
func nextOfPreflight(c fiber.Ctx, w http.ResponseWriter, outer *writer, r *http.Request) error {
	var saved fasthttp.RequestHeader
	c.Request().Header.CopyTo(&saved)
	defer saved.CopyTo(&c.Request().Header)
	for name := range outer.sent {
		if _, kept := r.Header[name]; !kept {
			c.Request().Header.Del(name)
		}
	}
	c.Request().ResetBody()
	err := next(c, outer, r)
	c.Response().ResetBody()
	if err == nil { // and otherwise Fiber's ErrorHandler says what the answer is
		w.WriteHeader(c.Response().StatusCode())
	}
	return err
}
