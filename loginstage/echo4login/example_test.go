package echo4login_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/echo4login"
)

func Example() {
	login, err := loginstage.New(loginstage.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	e := echo.New()
	e.Use(middleware.Recover(), echo4login.Guard(login))
	e.POST("/login", func(c echo.Context) error {
		// The host checks the password, and then:
		if _, err := login.Begin(c.Response(), c.Request(), loginstage.User{ID: c.FormValue("user")}); err != nil {
			return err
		}
		return c.Redirect(http.StatusSeeOther, "/account")
	})
	account := e.Group("/account", echo4login.Require(login))
	account.GET("", func(c echo.Context) error {
		s, _ := echo4login.Current(c)
		return c.String(http.StatusOK, "Hello, "+s.User)
	})

	server := httptest.NewTLSServer(e)
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
