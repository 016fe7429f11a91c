// Package fiberlogin is the session middleware of package loginstage for Fiber v3:
//
//	app := fiber.New()
//	app.Use(recover.New(), fiberlogin.Guard(login))
//	app.Post("/login", func(c fiber.Ctx) error {
//		// … check the password …
//		_, err := fiberlogin.Begin(c, login, loginstage.User{ID: user})
//		return err
//	})
//	account := app.Group("/account", fiberlogin.Require(login))
//	account.Get("", func(c fiber.Ctx) error {
//		s, _ := fiberlogin.Current(c)
//		return c.SendString("Hello, " + s.User)
//	})
//
// Fiber is built on fasthttp, which is no net/http. The functions of this package make
// a request of net/http from Fiber's, with all lines of a header, and carry the answer
// back; nothing in it points into Fiber's buffers. Mount recover and loggers before the
// guard. An error that a handler returns passes through the guard to Fiber's
// ErrorHandler.
//
// # What is not as with net/http
//
//   - fasthttp sends the header after the handlers, so a handler is never too late for
//     Begin. Once it has returned, [Do] returns [ErrOver]. Fiber uses contexts again, and
//     Do cannot tell one that serves another client by then: as with all of Fiber, no
//     context may be used in a goroutine, in the function of SendStreamWriter, or after
//     its handler.
//   - The writer that [Do] and [loginstage.Config.Deny] get cannot flush, hijack or set
//     deadlines: [net/http.ResponseController] returns [net/http.ErrNotSupported]. Use
//     SendStreamWriter and fasthttp's Hijack, which work behind a guard.
//   - The context of a request does not end when the client hangs up. A stream that ends
//     with its session is made with [Live], and says itself when it is over.
//   - A request whose target net/http would refuse, such as "/%zz", is
//     [fiber.ErrBadRequest].
//   - There is no HTTP/2.
//
// Events show the path of a request as its route spells it out, without the values of
// its parameters, where the guard is mounted with the route; for middleware that is
// mounted with Use there is no route yet.
//
// # What stays compatible
//
// The module has the version of the root module, and requires that version. A new major
// version of Fiber v3 gets a package of its own.
package fiberlogin
