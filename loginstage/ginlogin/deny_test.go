package ginlogin_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/ginlogin"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

// Middleware outside sees the denial among gin's errors, and can leave the answer to
// be written there.
func TestDenialIsAmongTheErrors(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{Deny: ginlogin.Deny(func(*gin.Context, *loginstage.AccessError) {})})
	engine := gin.New()
	engine.Use(answerErrors)
	engine.GET("/", ginlogin.Require(stage.UserLogin), func(*gin.Context) { t.Error("the handler ran") })
	response := loginstagetest.NewBrowser(t, engine).Get("/")
	assert.Equal(t, http.StatusTeapot, response.StatusCode)
	assert.Equal(t, "Error #01: loginstage: denied: sign_in\n", response.Text)
	assert.Equal(t, "no-store", response.Header.Get("Cache-Control"))
}

// A stage with such a Deny can guard what is not gin's.
func TestDenyWithoutGin(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{Deny: ginlogin.Deny(func(*gin.Context, *loginstage.AccessError) {
		t.Error("there is no context to call it with")
	})})
	w := httptest.NewRecorder()
	stage.Require(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	assert.Equal(t, http.StatusUnauthorized, w.Code)
}

// A Deny that answers some denials leaves the others to Respond.
func TestDenyResponds(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{Deny: ginlogin.Deny(func(c *gin.Context, denied *loginstage.AccessError) {
		denied.Respond(c.Writer, c.Request)
	})})
	engine := gin.New()
	engine.GET("/", ginlogin.Require(stage.UserLogin), func(*gin.Context) { t.Error("the handler ran") })
	response := loginstagetest.NewBrowser(t, engine).Get("/")
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
	assert.Equal(t, "application/problem+json", response.Header.Get("Content-Type"))
}
