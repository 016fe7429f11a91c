package echo5login_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/echo5login"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

func TestAdapter(t *testing.T) {
	loginstagetest.RunAdapter(t, loginstagetest.Adapter{
		Handler: func(_ *testing.T, host loginstagetest.AdapterHost) http.Handler { return application(host) },
		Deny: echo5login.Deny(func(c *echo.Context, denied *loginstage.AccessError) error {
			return c.String(http.StatusTeapot, string(denied.Denial))
		}),
	})
}

func application(host loginstagetest.AdapterHost) *echo.Echo {
	login := host.Login
	e := echo.New()
	e.Logger = slog.New(slog.DiscardHandler) // of panics that are asked for
	e.Use(middleware.Recover())
	e.GET("/bare", current)

	guarded := e.Group("", echo5login.Guard(login))
	guarded.POST("/begin", func(c *echo.Context) error {
		challenge, err := login.Begin(c.Response(), c.Request(), loginstage.User{ID: c.QueryParam("user")})
		c.Response().Header().Set("Cache-Control", "public, max-age=60")
		return c.NoContent(loginstagetest.AdapterStatus(challenge, err))
	})
	guarded.POST("/finish", func(c *echo.Context) error {
		return c.NoContent(loginstagetest.AdapterStatus(nil, login.Finish(c.Response(), c.Request(), loginstage.Answer{StaySignedIn: true})))
	})
	guarded.POST("/logout", func(c *echo.Context) error {
		return c.NoContent(loginstagetest.AdapterStatus(nil, login.Logout(c.Response(), c.Request())))
	})
	guarded.GET("/current", current)
	guarded.GET("/late", func(c *echo.Context) error {
		if err := c.String(http.StatusOK, "late\n"); err != nil {
			return err
		}
		_ = http.NewResponseController(c.Response()).Flush()
		_, err := login.Begin(c.Response(), c.Request(), loginstage.User{ID: "ada"})
		fmt.Fprint(c.Response(), err)
		return nil
	})
	guarded.GET("/panic", func(*echo.Context) error { panic("asked for") })
	guarded.GET("/error", func(*echo.Context) error { return echo.NewHTTPError(http.StatusTeapot, "asked for") })

	restricted := e.Group("", echo5login.AllowRestricted(login))
	restricted.POST("/confirm", func(c *echo.Context) error {
		return c.NoContent(loginstagetest.AdapterStatus(nil, login.Confirm(c.Response(), c.Request(), loginstage.User{ID: c.QueryParam("user")})))
	})
	restricted.GET("/restricted", current)

	guard, require := echo5login.Guard(login), echo5login.Require(login)
	e.GET("/fresh", current, echo5login.RequireFresh(login, time.Hour))
	e.GET("/strong", current, echo5login.RequireACR(login, loginstage.ACRAAL2))
	e.GET("/order", current, require, echo5login.AllowRestricted(login))
	e.GET("/twice", current, guard, guard, require, require)

	required := e.Group("", require)
	required.GET("/private", current)
	required.OPTIONS("/private", func(c *echo.Context) error {
		c.Response().Header().Set("Access-Control-Allow-Origin", loginstagetest.AdapterUser(echo5login.Current(c)))
		c.Response().Header().Set("Access-Control-Allow-Headers", c.Request().Header.Get("Cookie"))
		return c.String(http.StatusAccepted, "a body that is not sent")
	})
	required.GET("/items/:id", func(c *echo.Context) error { return c.String(http.StatusOK, c.Param("id")) })
	required.GET("/stream", func(c *echo.Context) error {
		if err := c.String(http.StatusOK, "first\n"); err != nil {
			return err
		}
		_ = http.NewResponseController(c.Response()).Flush()
		host.Wait()
		_, err := io.WriteString(c.Response(), "second\n")
		return err
	})
	required.GET("/live", func(c *echo.Context) error {
		live := login.Live(c.Request())
		c.Response().Header().Set("Content-Type", "text/event-stream")
		c.Response().WriteHeader(http.StatusOK)
		fmt.Fprintln(c.Response(), "open")
		_ = http.NewResponseController(c.Response()).Flush()
		<-live.Done()
		fmt.Fprintln(c.Response(), loginstagetest.AdapterEnding(live))
		return nil
	})
	required.POST("/upload", func(c *echo.Context) error {
		file, err := c.FormFile("file")
		if err != nil {
			return echo.NewHTTPError(http.StatusBadRequest, err.Error())
		}
		return c.String(http.StatusOK, strconv.FormatInt(file.Size, 10))
	})
	required.GET("/hijack", func(c *echo.Context) error {
		conn, buffered, err := http.NewResponseController(c.Response()).Hijack()
		if err != nil {
			return c.String(http.StatusNotImplemented, err.Error())
		}
		defer conn.Close()
		return upgrade(buffered.Writer)
	})
	return e
}

func current(c *echo.Context) error {
	return c.String(http.StatusOK, loginstagetest.AdapterUser(echo5login.Current(c)))
}

func upgrade(w *bufio.Writer) error {
	_, _ = w.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: kit\r\n\r\nhijacked\n")
	return w.Flush()
}
