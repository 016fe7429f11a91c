// Package ginlogin is the session middleware of package loginstage for gin:
//
//	engine := gin.New()
//	engine.Use(gin.Recovery(), ginlogin.Guard(login))
//	engine.POST("/login", func(c *gin.Context) {
//		// … check the password …
//		_, err := login.Begin(c.Writer, c.Request, loginstage.User{ID: user})
//	})
//	account := engine.Group("/account", ginlogin.Require(login))
//	account.GET("", func(c *gin.Context) {
//		s, _ := ginlogin.Current(c)
//		c.String(http.StatusOK, "Hello, %s", s.User)
//	})
//
// The methods of [loginstage.UserLogin] take gin's c.Writer and c.Request. Mount
// Recovery and loggers before the guard, so that they see what it answers. A guard
// that denies a request aborts it: handlers behind it do not run.
//
// Events show the path of a request as its route spells it out, without the values of
// its parameters: the middleware sets the request's Pattern and path values from the
// route, unless it has a Pattern.
//
// # What stays compatible
//
// The module has the version of the root module, and requires that version. A new major
// version of gin gets a package of its own.
package ginlogin
