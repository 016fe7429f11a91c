package gorillacarrier_test

import (
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/gorilla/sessions"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/gorillacarrier"
)

// An application's shopping cart stays when its visitor signs in.
func Example() {
	store := sessions.NewCookieStore([]byte("32 random bytes, kept secret ..."))
	carrier := gorillacarrier.New(store, gorillacarrier.Options{Name: "app"})

	// The sign-in, which a session.Manager writes to its carrier.
	w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "https://example.com/login", nil)
	values, err := store.Get(r, "app")
	if err != nil {
		fmt.Println(err)
		return
	}
	values.Values["cart"] = "tea"
	token := session.NewToken("ada")
	if err := carrier.Write(w, r, token, 12*time.Hour); err != nil {
		fmt.Println(err)
		return
	}

	// The next request.
	r = httptest.NewRequest("GET", "https://example.com/", nil)
	r.AddCookie(w.Result().Cookies()[0])
	read, err := carrier.Read(r)
	fmt.Println(read == token, err)
	values, err = store.Get(r, "app")
	fmt.Println(values.Values["cart"], err)
	// Output:
	// true <nil>
	// tea <nil>
}
