package fiberlogin

import (
	"context"
	"net/http"

	"github.com/gofiber/fiber/v3"

	"github.com/mooring-go/mooring/loginstage"
)

// Live is [loginstage.UserLogin.Live] for the request of c, behind a guard: a context
// that ends when the session does. It is called before the handler returns, and the
// function of SendStreamWriter uses the context:
//
//	live, done := fiberlogin.Live(c, login)
//	return c.SendStreamWriter(func(w *bufio.Writer) {
//		defer done()
//		for live.Err() == nil {
//			// … write an event …
//			if w.Flush() != nil {
//				return // the client has gone
//			}
//		}
//	})
//
// Nothing tells Fiber that a client has gone but a write that fails. So done is to be
// called when the stream is over: until then, or until the session ends, the context
// stays in memory.
func Live(c fiber.Ctx, login *loginstage.UserLogin) (live context.Context, done context.CancelFunc) {
	return open(c, login.Live)
}

// LiveInUse is [loginstage.UserLogin.LiveInUse] likewise.
func LiveInUse(c fiber.Ctx, login *loginstage.UserLogin) (live context.Context, done context.CancelFunc) {
	return open(c, login.LiveInUse)
}

func open(c fiber.Ctx, begin func(*http.Request) context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(c.Context())
	r, err := request(c)
	if err != nil { // behind a guard there is none
		cancel(err)
		return ctx, func() {}
	}
	live := begin(r.WithContext(ctx))
	return live, func() {
		cancel(nil)
		_ = live.Err() // now it knows
	}
}
