package main

import (
	"fmt"
	"net/http"

	"github.com/gorilla/sessions"

	"github.com/mooring-go/mooring/loginstage"
)

// before returns the shop as it was: the user is one more value of the gorilla
// session, and any client with the cookie is the user for as long as it lasts.
func before(store sessions.Store) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		user, ok := proved(r)
		if !ok {
			http.Error(w, "The name or the password is wrong.", http.StatusUnprocessableEntity)
			return
		}
		s, _ := store.Get(r, "shop")
		s.Values["user"] = user
		answer(w, s.Save(r, w), "Hello, "+user+".")
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		s, _ := store.Get(r, "shop")
		s.Options.MaxAge = -1
		answer(w, s.Save(r, w), "Goodbye.")
	})
	mux.HandleFunc("GET /orders", func(w http.ResponseWriter, r *http.Request) {
		s, _ := store.Get(r, "shop")
		user, ok := s.Values["user"].(string)
		if !ok {
			http.Error(w, "Sign in first.", http.StatusUnauthorized)
			return
		}
		fmt.Fprintln(w, "The orders of", user)
	})
	mux.HandleFunc("POST /basket", addToBasket(store))
	return mux
}

// after returns the shop with Mooring: Begin where it set the user, Logout where it
// deleted the session, Require where it looked for the user, and Guard around
// it all. The gorilla session now carries the token of a session on the server.
func after(store sessions.Store, login *loginstage.UserLogin) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		user, ok := proved(r)
		if !ok {
			http.Error(w, "The name or the password is wrong.", http.StatusUnprocessableEntity)
			return
		}
		_, err := login.Begin(w, r, loginstage.User{ID: user, Method: "password"})
		answer(w, err, "Hello, "+user+".")
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		answer(w, login.Logout(w, r), "Goodbye.")
	})
	mux.Handle("GET /orders", login.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := loginstage.Current(r.Context())
		fmt.Fprintln(w, "The orders of", s.User)
	})))
	mux.HandleFunc("POST /basket", addToBasket(store)) // as it was
	return login.Guard(mux)
}

// addToBasket counts what is in the basket, signed in or not.
func addToBasket(store sessions.Store) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, _ := store.Get(r, "shop")
		n, _ := s.Values["basket"].(int)
		s.Values["basket"] = n + 1
		answer(w, s.Save(r, w), fmt.Sprintf("In the basket: %d", n+1))
	}
}

// answer says what was done or, where err is not nil, that it was not.
func answer(w http.ResponseWriter, err error, text string) {
	if err != nil {
		http.Error(w, "Try again in a moment.", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, text)
}
