// Package echo4login is the session middleware of package loginstage for echo v4:
//
//	e := echo.New()
//	e.Use(middleware.Recover(), echo4login.Guard(login))
//	e.POST("/login", func(c echo.Context) error {
//		// … check the password …
//		_, err := login.Begin(c.Response(), c.Request(), loginstage.User{ID: user})
//		return err
//	})
//	account := e.Group("/account", echo4login.Require(login))
//	account.GET("", func(c echo.Context) error {
//		s, _ := echo4login.Current(c)
//		return c.String(http.StatusOK, "Hello, "+s.User)
//	})
//
// The methods of [loginstage.UserLogin] take echo's c.Response() and c.Request(). Mount
// Recover and loggers before the guard, so that they see what it answers. An error that
// a handler returns passes through the guard to echo's HTTPErrorHandler.
//
// Events show the path of a request as its route spells it out, without the values of
// its parameters: the middleware sets the request's Pattern and path values from the
// route, unless it has a Pattern. Middleware that is mounted with Pre runs before there
// is a route.
//
// # What stays compatible
//
// The module has the version of the root module, and requires that version. A new major
// version of echo v4 gets a package of its own.
package echo4login
