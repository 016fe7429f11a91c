// Chi is an application with the router github.com/go-chi/chi, which takes the guards
// of package loginstage as they are: they are middleware of net/http. Read app.go. The
// routers gin, echo and Fiber, and gRPC and Connect, have modules of their own beside
// package loginstage. Run it from the root of the repository:
//
//	go run ./examples/chi
package main
