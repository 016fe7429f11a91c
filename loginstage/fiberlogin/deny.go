package fiberlogin

import (
	"net/http"

	"github.com/gofiber/fiber/v3"

	"github.com/mooring-go/mooring/loginstage"
)

// Deny returns a [loginstage.Config.Deny] that has handler answer the requests that a
// guard of this package denies, in Fiber's way. The guard returns the error that
// handler returns, so that the ErrorHandler can answer:
//
//	loginstage.Config{Deny: fiberlogin.Deny(func(c fiber.Ctx, denied *loginstage.AccessError) error {
//		if denied.Denial != loginstage.DenialSignIn { // as without a Deny
//			return fiberlogin.Do(c, func(w http.ResponseWriter, r *http.Request) error {
//				denied.Respond(w, r)
//				return nil
//			})
//		}
//		return fiber.NewError(fiber.StatusUnauthorized, "sign in")
//	})}
//
// A request that came by a guard of net/http gets the answer that it gets without a
// Deny.
func Deny(handler func(c fiber.Ctx, denied *loginstage.AccessError) error) func(http.ResponseWriter, *http.Request, *loginstage.AccessError) {
	return func(w http.ResponseWriter, r *http.Request, denied *loginstage.AccessError) {
		outer := writerOf(w)
		if outer == nil {
			denied.Respond(w, r)
			return
		}
		outer.store()
		defer outer.load()
		outer.err = handler(outer.c, denied)
	}
}
