package ginlogin_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/ginlogin"
)

func Example() {
	gin.SetMode(gin.ReleaseMode)
	login, err := loginstage.New(loginstage.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	engine := gin.New()
	engine.Use(gin.Recovery(), ginlogin.Guard(login))
	engine.POST("/login", func(c *gin.Context) {
		// The host checks the password, and then:
		if _, err := login.Begin(c.Writer, c.Request, loginstage.User{ID: c.PostForm("user")}); err != nil {
			_ = c.AbortWithError(http.StatusForbidden, err)
			return
		}
		c.Redirect(http.StatusSeeOther, "/account")
	})
	account := engine.Group("/account", ginlogin.Require(login))
	account.GET("", func(c *gin.Context) {
		s, _ := ginlogin.Current(c)
		c.String(http.StatusOK, "Hello, %s", s.User)
	})

	server := httptest.NewTLSServer(engine)
	defer server.Close()
	browser := server.Client()
	browser.Jar, _ = cookiejar.New(nil)
	show := func(response *http.Response, err error) {
		if err != nil {
			fmt.Println(err)
			return
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		fmt.Println(response.StatusCode, string(text))
	}
	show(browser.Get(server.URL + "/account"))
	show(browser.PostForm(server.URL+"/login", url.Values{"user": {"ada"}}))
	// Output:
	// 401 {"type":"about:blank","title":"Unauthorized","status":401,"detail":"Sign in to use this."}
	// 200 Hello, ada
}
