package ginlogin_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/ginlogin"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

type key struct{}

// Middleware outside the guard has its own request and writer again once the guard
// returns, unless a handler has set another request to pass something out.
func TestOutsideTheGuard(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{})
	for _, replaces := range []bool{false, true} {
		engine := gin.New()
		engine.Use(func(c *gin.Context) {
			request, writer := c.Request, c.Writer
			c.Next()
			assert.Same(t, writer, c.Writer)
			assert.Equal(t, replaces && c.FullPath() == "/", c.Request != request)
			assert.Equal(t, replaces && c.FullPath() == "/", c.Request.Context().Value(key{}) != nil)
			assert.Equal(t, http.StatusTeapot, c.Writer.Status())
		})
		engine.POST("/login", func(c *gin.Context) {
			_, err := stage.Begin(c.Writer, c.Request, loginstage.User{ID: "ada"})
			assert.NoError(t, err)
			c.Status(http.StatusTeapot)
		})
		engine.GET("/", ginlogin.Guard(stage.UserLogin), func(c *gin.Context) {
			if replaces {
				c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), key{}, true))
			}
			c.Status(http.StatusTeapot)
		})
		browser := loginstagetest.NewBrowser(t, engine)
		browser.PostForm("/login", nil)
		assert.Equal(t, http.StatusTeapot, browser.Get("/").StatusCode)
	}
}
