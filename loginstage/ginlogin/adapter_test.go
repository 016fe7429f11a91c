package ginlogin_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/ginlogin"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	gin.DefaultErrorWriter = io.Discard // of panics that are asked for
	m.Run()
}

func TestAdapter(t *testing.T) {
	loginstagetest.RunAdapter(t, loginstagetest.Adapter{
		Handler: func(_ *testing.T, host loginstagetest.AdapterHost) http.Handler { return application(host) },
		Deny: ginlogin.Deny(func(c *gin.Context, denied *loginstage.AccessError) {
			c.String(http.StatusTeapot, "%s", denied.Denial)
		}),
	})
}

func application(host loginstagetest.AdapterHost) *gin.Engine {
	login := host.Login
	engine := gin.New()
	engine.MaxMultipartMemory = 1 << 10
	engine.Use(gin.Recovery(), answerErrors)
	engine.GET("/bare", current)

	guarded := engine.Group("/", ginlogin.Guard(login))
	guarded.POST("/begin", func(c *gin.Context) {
		challenge, err := login.Begin(c.Writer, c.Request, loginstage.User{ID: c.Query("user")})
		c.Header("Cache-Control", "public, max-age=60")
		c.Status(loginstagetest.AdapterStatus(challenge, err))
	})
	guarded.POST("/finish", func(c *gin.Context) {
		c.Status(loginstagetest.AdapterStatus(nil, login.Finish(c.Writer, c.Request, loginstage.Answer{StaySignedIn: true})))
	})
	guarded.POST("/logout", func(c *gin.Context) {
		c.Status(loginstagetest.AdapterStatus(nil, login.Logout(c.Writer, c.Request)))
	})
	guarded.GET("/current", current)
	guarded.GET("/late", func(c *gin.Context) {
		c.String(http.StatusOK, "late\n")
		c.Writer.Flush()
		_, err := login.Begin(c.Writer, c.Request, loginstage.User{ID: "ada"})
		fmt.Fprint(c.Writer, err)
	})
	guarded.GET("/panic", func(*gin.Context) { panic("asked for") })
	guarded.GET("/error", func(c *gin.Context) { _ = c.Error(errors.New("asked for")) })

	restricted := engine.Group("/", ginlogin.AllowRestricted(login))
	restricted.POST("/confirm", func(c *gin.Context) {
		c.Status(loginstagetest.AdapterStatus(nil, login.Confirm(c.Writer, c.Request, loginstage.User{ID: c.Query("user")})))
	})
	restricted.GET("/restricted", current)

	guard, require := ginlogin.Guard(login), ginlogin.Require(login)
	engine.GET("/fresh", ginlogin.RequireFresh(login, time.Hour), current)
	engine.GET("/strong", ginlogin.RequireACR(login, loginstage.ACRAAL2), current)
	engine.GET("/order", require, ginlogin.AllowRestricted(login), current)
	engine.GET("/twice", guard, guard, require, require, current)

	required := engine.Group("/", require)
	required.GET("/private", current)
	required.OPTIONS("/private", func(c *gin.Context) {
		c.Header("Access-Control-Allow-Origin", loginstagetest.AdapterUser(ginlogin.Current(c)))
		c.Header("Access-Control-Allow-Headers", c.GetHeader("Cookie"))
		c.String(http.StatusAccepted, "a body that is not sent")
	})
	required.GET("/items/:id", func(c *gin.Context) { c.String(http.StatusOK, "%s", c.Param("id")) })
	required.GET("/stream", func(c *gin.Context) {
		step := 0
		c.Stream(func(w io.Writer) bool {
			if step++; step == 1 {
				_, _ = io.WriteString(w, "first\n")
				return true
			}
			host.Wait()
			_, _ = io.WriteString(w, "second\n")
			return false
		})
	})
	required.GET("/live", func(c *gin.Context) {
		live := login.Live(c.Request)
		c.Header("Content-Type", "text/event-stream")
		c.String(http.StatusOK, "open\n")
		c.Writer.Flush()
		<-live.Done()
		fmt.Fprintln(c.Writer, loginstagetest.AdapterEnding(live))
	})
	required.POST("/upload", func(c *gin.Context) {
		file, err := c.FormFile("file")
		if err != nil {
			c.String(http.StatusBadRequest, "%v", err)
			return
		}
		c.String(http.StatusOK, "%d", file.Size)
	})
	required.GET("/hijack", func(c *gin.Context) {
		conn, buffered, err := c.Writer.Hijack()
		if err != nil {
			c.String(http.StatusNotImplemented, "%v", err)
			return
		}
		defer conn.Close()
		upgrade(buffered.Writer)
	})
	return engine
}

func current(c *gin.Context) {
	c.String(http.StatusOK, "%s", loginstagetest.AdapterUser(ginlogin.Current(c)))
}

// answerErrors is how a gin host answers the errors of its handlers.
func answerErrors(c *gin.Context) {
	c.Next()
	if len(c.Errors) > 0 && !c.Writer.Written() {
		c.String(http.StatusTeapot, "%s", c.Errors)
	}
}

func upgrade(w *bufio.Writer) {
	_, _ = w.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: kit\r\n\r\nhijacked\n")
	_ = w.Flush()
}
