package fiberlogin_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/gofiber/fiber/v3"
	recovery "github.com/gofiber/fiber/v3/middleware/recover"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/fiberlogin"
)

func Example() {
	login, err := loginstage.New(loginstage.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	app := fiber.New()
	app.Use(recovery.New(), fiberlogin.Guard(login))
	app.Post("/login/:user", func(c fiber.Ctx) error {
		// The host checks the password, and then:
		if _, err := fiberlogin.Begin(c, login, loginstage.User{ID: c.Params("user")}); err != nil {
			return err
		}
		return c.SendString("Welcome")
	})
	account := app.Group("/account", fiberlogin.Require(login))
	account.Get("", func(c fiber.Ctx) error {
		s, _ := fiberlogin.Current(c)
		return c.SendString("Hello, " + s.User)
	})

	visit := func(method, path string, cookies []*http.Cookie) []*http.Cookie {
		r := httptest.NewRequest(method, "https://localhost"+path, nil)
		for _, cookie := range cookies {
			r.AddCookie(cookie)
		}
		response, err := app.Test(r)
		if err != nil {
			fmt.Println(err)
			return nil
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		fmt.Println(response.StatusCode, string(text))
		return response.Cookies()
	}
	visit("GET", "/account", nil)
	visit("GET", "/account", visit("POST", "/login/ada", nil))
	// Output:
	// 401 {"type":"about:blank","title":"Unauthorized","status":401,"detail":"Sign in to use this."}
	// 200 Welcome
	// 200 Hello, ada
}
