package main

import (
	"errors"
	"fmt"
	"html"
	"io"
	"log"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/mooring-go/mooring/loginstage"
)

// newApp returns the application: a page for everybody, and two for those who are
// signed in. proves reports whether a user's password is right.
func newApp(login *loginstage.UserLogin, proves func(user, password string) bool) http.Handler {
	router := chi.NewRouter()
	router.Use(middleware.Recoverer, login.Guard)
	router.Get("/", func(w http.ResponseWriter, r *http.Request) {
		if s, ok := loginstage.Current(r.Context()); ok {
			page(w, `Hello, `+html.EscapeString(s.User)+`. <a href="/orders/7">Order 7</a> <form method="post" action="/logout"><button>Sign out</button></form>`)
			return
		}
		page(w, `<a href="/login">Sign in</a>`)
	})
	router.Get("/login", func(w http.ResponseWriter, r *http.Request) {
		page(w, `<form method="post"><input name="user"><input name="password" type="password">`+
			`<input name="next" type="hidden" value="`+html.EscapeString(loginstage.Next(r))+`"><button>Sign in</button></form>`)
	})
	router.Post("/login", func(w http.ResponseWriter, r *http.Request) {
		user := r.PostFormValue("user")
		if !proves(user, r.PostFormValue("password")) {
			http.Error(w, "wrong user or password", http.StatusForbidden)
			return
		}
		if _, err := login.Begin(w, r, loginstage.User{ID: user, Method: "password"}); err != nil {
			fail(w, err)
			return
		}
		http.Redirect(w, r, loginstage.Next(r), http.StatusSeeOther)
	})
	router.Group(func(router chi.Router) {
		router.Use(login.Require)
		router.Get("/orders/{order}", func(w http.ResponseWriter, r *http.Request) {
			s, _ := loginstage.Current(r.Context())
			page(w, html.EscapeString(s.User+"'s order "+chi.URLParam(r, "order")))
		})
	})
	router.Post("/logout", func(w http.ResponseWriter, r *http.Request) {
		if err := login.Logout(w, r); err != nil {
			fail(w, err)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	return router
}

func page(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, "<!doctype html><title>Orders</title>"+body) // the client may be gone
}

// fail answers a request of a user who could not be signed in or out.
func fail(w http.ResponseWriter, err error) {
	if _, ok := errors.AsType[*loginstage.DeniedError](err); ok {
		http.Error(w, "this account is not in use", http.StatusForbidden)
		return
	}
	log.Print(fmt.Errorf("signing in or out: %w", err))
	http.Error(w, "try again later", http.StatusServiceUnavailable)
}
