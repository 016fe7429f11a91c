package echo4login

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

// Guard is [loginstage.UserLogin.Guard]: it passes each request on, and [Current]
// returns its session.
func Guard(login *loginstage.UserLogin) echo.MiddlewareFunc { return middleware(login.Guard) }

// Require is [loginstage.UserLogin.Require]: it passes on the requests of signed-in
// users alone.
func Require(login *loginstage.UserLogin) echo.MiddlewareFunc { return middleware(login.Require) }

// AllowRestricted is [loginstage.UserLogin.AllowRestricted]: behind it Current returns
// a restricted session too.
func AllowRestricted(login *loginstage.UserLogin) echo.MiddlewareFunc {
	return middleware(login.AllowRestricted)
}

// RequireFresh is [loginstage.UserLogin.RequireFresh]: it is Require for sessions whose
// user has proved who they are at most age ago.
func RequireFresh(login *loginstage.UserLogin, age time.Duration) echo.MiddlewareFunc {
	return middleware(login.RequireFresh(age))
}

// RequireACR is [loginstage.UserLogin.RequireACR]: it is Require for sessions whose user
// was proved well enough.
func RequireACR(login *loginstage.UserLogin, acr ...string) echo.MiddlewareFunc {
	return middleware(login.RequireACR(acr...))
}

// Current returns the session that the request was sent in, behind a guard: see
// [loginstage.Current].
func Current(c echo.Context) (session.Session, bool) {
	return loginstage.Current(c.Request().Context())
}

// Restricted returns the session that the request was sent in, behind a guard, if it
// is restricted: see [loginstage.Restricted].
func Restricted(c echo.Context) (session.Session, bool) {
	return loginstage.Restricted(c.Request().Context())
}

// middleware returns the guard as echo has it. While the handlers behind it run, c has
// the guard's request and a response around the guard's writer.
func middleware(guard func(http.Handler) http.Handler) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			came, response := c.Request(), c.Response()
			setRoute(c)
			outer := &outerWriter{Response: response, c: c}
			guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c.SetRequest(r)
				c.SetResponse(echo.NewResponse(w, c.Echo()))
				defer func() {
					c.SetResponse(response)
					if c.Request() == r { // and not what a handler has set for those outside
						c.SetRequest(came)
					}
				}()
				outer.err = next(c)
			})).ServeHTTP(outer, came)
			return outer.err
		}
	}
}

// setRoute says in the request which route matched, unless it says so already.
func setRoute(c echo.Context) {
	r, values := c.Request(), c.ParamValues()
	if r.Pattern != "" {
		return
	}
	r.Pattern = c.Path()
	for i, name := range c.ParamNames() {
		r.SetPathValue(name, values[i])
	}
}
