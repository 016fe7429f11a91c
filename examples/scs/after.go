package main

import (
	"fmt"
	"net/http"

	"github.com/alexedwards/scs/v2"

	"github.com/mooring-go/mooring/loginstage"
)

// after returns the shop with Mooring: Begin where it put the user into the scs session,
// Logout where it destroyed that, Require where it looked for the user. The basket stays
// in scs, and belongs to who is signed in.
func after(data *scs.SessionManager, login *loginstage.UserLogin, basket http.Handler, proved func(*http.Request) (user string, ok bool)) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		user, ok := proved(r)
		if !ok {
			http.Error(w, "The name or the password is wrong.", http.StatusUnprocessableEntity)
			return
		}
		_, err := login.Begin(w, r, loginstage.User{ID: user, Method: "password"})
		if err == nil {
			err = own(r.Context(), data, user)
		}
		if err != nil {
			http.Error(w, "Try again in a moment.", http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		err := login.Logout(w, r)
		if err == nil {
			err = own(r.Context(), data, "")
		}
		if err != nil {
			http.Error(w, "Try again in a moment.", http.StatusServiceUnavailable)
		}
	})
	mux.Handle("GET /orders", login.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := loginstage.Current(r.Context())
		fmt.Fprintln(w, "The orders of", s.User)
	})))
	mux.Handle("POST /basket", basket) // as it was
	return data.LoadAndSave(login.Guard(owned(data, mux)))
}
