package fiberlogin_test

import (
	"bufio"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
	recovery "github.com/gofiber/fiber/v3/middleware/recover"
	"github.com/stretchr/testify/assert"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/fiberlogin"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

func TestAdapter(t *testing.T) {
	loginstagetest.RunAdapter(t, loginstagetest.Adapter{
		Buffers: true,
		Serve: func(t *testing.T, host loginstagetest.AdapterHost, listener net.Listener) {
			app := application(host)
			stopped := make(chan error, 1)
			go func() { stopped <- app.Listener(listener, fiber.ListenConfig{DisableStartupMessage: true}) }()
			t.Cleanup(func() {
				assert.NoError(t, app.ShutdownWithTimeout(time.Minute))
				assert.NoError(t, <-stopped)
			})
		},
		Deny: fiberlogin.Deny(func(c fiber.Ctx, denied *loginstage.AccessError) error {
			return c.Status(fiber.StatusTeapot).SendString(string(denied.Denial))
		}),
	})
}

func application(host loginstagetest.AdapterHost) *fiber.App {
	login := host.Login
	app := fiber.New(fiber.Config{BodyLimit: 64 << 20, UnescapePath: true})
	app.Use(recovery.New())
	app.Get("/bare", current)
	guard, require, allow := fiberlogin.Guard(login), fiberlogin.Require(login), fiberlogin.AllowRestricted(login)

	app.Post("/begin", guard, func(c fiber.Ctx) error {
		challenge, err := fiberlogin.Begin(c, login, loginstage.User{ID: c.Query("user")})
		c.Set(fiber.HeaderCacheControl, "public, max-age=60")
		c.Status(loginstagetest.AdapterStatus(challenge, err))
		return nil
	})
	app.Post("/finish", guard, func(c fiber.Ctx) error {
		c.Status(loginstagetest.AdapterStatus(nil, fiberlogin.Finish(c, login, loginstage.Answer{StaySignedIn: true})))
		return nil
	})
	app.Post("/logout", guard, func(c fiber.Ctx) error {
		c.Status(loginstagetest.AdapterStatus(nil, fiberlogin.Logout(c, login)))
		return nil
	})
	app.Post("/confirm", allow, func(c fiber.Ctx) error {
		c.Status(loginstagetest.AdapterStatus(nil, fiberlogin.Confirm(c, login, loginstage.User{ID: c.Query("user")})))
		return nil
	})
	app.Get("/current", guard, current)
	app.Get("/panic", guard, func(fiber.Ctx) error { panic("asked for") })
	app.Get("/error", guard, func(fiber.Ctx) error { return fiber.NewError(fiber.StatusTeapot, "asked for") })
	app.Get("/restricted", allow, current)
	app.Get("/fresh", fiberlogin.RequireFresh(login, time.Hour), current)
	app.Get("/strong", fiberlogin.RequireACR(login, loginstage.ACRAAL2), current)
	app.Get("/order", require, allow, current)
	app.Get("/twice", guard, guard, require, require, current)
	app.Get("/private", require, current)
	app.Options("/private", require, func(c fiber.Ctx) error {
		c.Set(fiber.HeaderAccessControlAllowOrigin, loginstagetest.AdapterUser(fiberlogin.Current(c)))
		c.Set(fiber.HeaderAccessControlAllowHeaders, c.Get(fiber.HeaderCookie))
		return c.Status(fiber.StatusAccepted).SendString("a body that is not sent")
	})
	app.Get("/items/:id", require, func(c fiber.Ctx) error { return c.SendString(c.Params("id")) })
	app.Get("/stream", require, func(c fiber.Ctx) error {
		return c.SendStreamWriter(func(w *bufio.Writer) {
			_, _ = w.WriteString("first\n")
			_ = w.Flush()
			host.Wait()
			_, _ = w.WriteString("second\n")
		})
	})
	app.Get("/live", require, func(c fiber.Ctx) error {
		live, done := fiberlogin.Live(c, login)
		c.Set(fiber.HeaderContentType, "text/event-stream")
		return c.SendStreamWriter(func(w *bufio.Writer) {
			defer done()
			_, _ = w.WriteString("open\n")
			_ = w.Flush()
			<-live.Done()
			_, _ = w.WriteString(loginstagetest.AdapterEnding(live) + "\n")
		})
	})
	app.Post("/upload", require, func(c fiber.Ctx) error {
		file, err := c.FormFile("file")
		if err != nil {
			return fiber.NewError(fiber.StatusBadRequest, err.Error())
		}
		return c.SendString(strconv.FormatInt(file.Size, 10))
	})
	app.Get("/hijack", require, func(c fiber.Ctx) error {
		c.Set(fiber.HeaderConnection, "Upgrade")
		c.Set(fiber.HeaderUpgrade, "kit")
		c.Status(fiber.StatusSwitchingProtocols)
		c.RequestCtx().Hijack(func(conn net.Conn) { _, _ = conn.Write([]byte("hijacked\n")) })
		return nil
	})
	return app
}

func current(c fiber.Ctx) error {
	return c.SendString(loginstagetest.AdapterUser(fiberlogin.Current(c)))
}
