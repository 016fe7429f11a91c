package ginlogin

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/mooring-go/mooring/loginstage"
)

// Deny returns a [loginstage.Config.Deny] that has handler answer the requests that a
// guard of this package denies, in gin's way:
//
//	loginstage.Config{Deny: ginlogin.Deny(func(c *gin.Context, denied *loginstage.AccessError) {
//		if denied.Denial != loginstage.DenialSignIn {
//			denied.Respond(c.Writer, c.Request) // as without a Deny
//			return
//		}
//		c.JSON(http.StatusUnauthorized, gin.H{"error": "sign in"})
//	})}
//
// A request that came by a guard of net/http, without a gin context, gets the answer
// that it gets without a Deny.
func Deny(handler func(c *gin.Context, denied *loginstage.AccessError)) func(http.ResponseWriter, *http.Request, *loginstage.AccessError) {
	return func(w http.ResponseWriter, r *http.Request, denied *loginstage.AccessError) {
		outer := outerOf(w)
		if outer == nil {
			denied.Respond(w, r)
			return
		}
		c, writer := outer.c, outer.c.Writer
		c.Writer = &guardedWriter{ResponseWriter: outer.ResponseWriter, guard: w}
		defer func() { c.Writer = writer }()
		_ = c.Error(denied).SetType(gin.ErrorTypePrivate)
		handler(c, denied)
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
