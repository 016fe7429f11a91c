package echo4login

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/mooring-go/mooring/loginstage"
)

// Deny returns a [loginstage.Config.Deny] that has handler answer the requests that a
// guard of this package denies, in echo's way. The guard returns the error that handler
// returns, so that the HTTPErrorHandler can answer:
//
//	loginstage.Config{Deny: echo4login.Deny(func(c echo.Context, denied *loginstage.AccessError) error {
//		if denied.Denial != loginstage.DenialSignIn {
//			denied.Respond(c.Response(), c.Request()) // as without a Deny
//			return nil
//		}
//		return echo.NewHTTPError(http.StatusUnauthorized, "sign in")
//	})}
//
// A request that came by a guard of net/http, without an echo context, gets the answer
// that it gets without a Deny.
func Deny(handler func(c echo.Context, denied *loginstage.AccessError) error) func(http.ResponseWriter, *http.Request, *loginstage.AccessError) {
	return func(w http.ResponseWriter, r *http.Request, denied *loginstage.AccessError) {
		outer := outerOf(w)
		if outer == nil {
			denied.Respond(w, r)
			return
		}
		c, response := outer.c, outer.c.Response()
		c.SetResponse(echo.NewResponse(w, c.Echo()))
		defer func() { c.SetResponse(response) }()
		outer.err = handler(c, denied)
	}
}

// outerOf returns the outerWriter that w wraps, or nil.
func outerOf(w http.ResponseWriter) *outerWriter {
	for range maxWriters {
		switch writer := w.(type) {
		case *outerWriter:
			return writer
		case interface{ Unwrap() http.ResponseWriter }:
			w = writer.Unwrap()
		default:
			return nil
		}
	}
	return nil
}

// maxWriters is how many writers around each other are looked at.
const maxWriters = 64
