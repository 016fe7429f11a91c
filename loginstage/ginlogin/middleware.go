package ginlogin

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

// Guard is [loginstage.UserLogin.Guard]: it passes each request on, and [Current]
// returns its session.
func Guard(login *loginstage.UserLogin) gin.HandlerFunc { return middleware(login.Guard) }

// Require is [loginstage.UserLogin.Require]: it passes on the requests of signed-in
// users alone.
func Require(login *loginstage.UserLogin) gin.HandlerFunc { return middleware(login.Require) }

// AllowRestricted is [loginstage.UserLogin.AllowRestricted]: behind it Current returns
// a restricted session too.
func AllowRestricted(login *loginstage.UserLogin) gin.HandlerFunc {
	return middleware(login.AllowRestricted)
}

// RequireFresh is [loginstage.UserLogin.RequireFresh]: it is Require for sessions whose
// user has proved who they are at most age ago.
func RequireFresh(login *loginstage.UserLogin, age time.Duration) gin.HandlerFunc {
	return middleware(login.RequireFresh(age))
}

// RequireACR is [loginstage.UserLogin.RequireACR]: it is Require for sessions whose user
// was proved well enough.
func RequireACR(login *loginstage.UserLogin, acr ...string) gin.HandlerFunc {
	return middleware(login.RequireACR(acr...))
}

// Current returns the session that the request was sent in, behind a guard: see
// [loginstage.Current].
func Current(c *gin.Context) (session.Session, bool) { return loginstage.Current(c.Request.Context()) }

// Restricted returns the session that the request was sent in, behind a guard, if it
// is restricted: see [loginstage.Restricted].
func Restricted(c *gin.Context) (session.Session, bool) {
	return loginstage.Restricted(c.Request.Context())
}

// middleware returns the guard as gin has it. While the handlers behind it run, c has
// the guard's request and writer.
func middleware(guard func(http.Handler) http.Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		came, writer := c.Request, c.Writer
		setRoute(c)
		passed := false
		guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			passed = true
			c.Request, c.Writer = r, &guardedWriter{ResponseWriter: writer, guard: w}
			defer func() {
				c.Writer = writer
				if c.Request == r { // and not what a handler has set for those outside
					c.Request = came
				}
			}()
			c.Next()
		})).ServeHTTP(&outerWriter{ResponseWriter: writer, c: c}, came)
		if !passed {
			c.Abort()
		}
	}
}

// setRoute says in the request which route matched, unless it says so already.
func setRoute(c *gin.Context) {
	if c.Request.Pattern != "" {
		return
	}
	c.Request.Pattern = c.FullPath()
	for _, parameter := range c.Params {
		c.Request.SetPathValue(parameter.Key, parameter.Value)
	}
}
