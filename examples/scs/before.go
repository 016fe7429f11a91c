package main

import (
	"fmt"
	"net/http"

	"github.com/alexedwards/scs/v2"
)

// before returns the shop as it was: the user is one more value of the scs session, and
// any client with its cookie is the user for as long as it lasts.
func before(data *scs.SessionManager, basket http.Handler, proved func(*http.Request) (user string, ok bool)) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		user, ok := proved(r)
		if !ok {
			http.Error(w, "The name or the password is wrong.", http.StatusUnprocessableEntity)
			return
		}
		if err := data.RenewToken(r.Context()); err != nil {
			http.Error(w, "Try again in a moment.", http.StatusServiceUnavailable)
			return
		}
		data.Put(r.Context(), "user", user)
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		if err := data.Destroy(r.Context()); err != nil {
			http.Error(w, "Try again in a moment.", http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("GET /orders", func(w http.ResponseWriter, r *http.Request) {
		user := data.GetString(r.Context(), "user")
		if user == "" {
			http.Error(w, "Sign in first.", http.StatusUnauthorized)
			return
		}
		fmt.Fprintln(w, "The orders of", user)
	})
	mux.Handle("POST /basket", basket)
	return data.LoadAndSave(mux)
}
