package mooring_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/sink"
)

// A whole application: sign-in, a page for users, and sign-out. Its sessions are
// bound to the country of the sign-in.
func Example() {
	login, err := loginstage.New(loginstage.Config{
		SessionDuration: duration.MustParse("hours=12"),
		GeoIPBinding:    binding.GeoIPCountry,
		Locator:         bindingtest.Places(), // maxmind.Open(maxmind.Config{City: …}) in production
		Events:          sink.Func(printEvent),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("password") != "correct horse battery" {
			http.Error(w, "wrong", http.StatusUnauthorized)
			return
		}
		if _, err := login.Begin(w, r, loginstage.User{ID: "ada", Method: "password"}); err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		if err := login.Logout(w, r); err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
		}
	})
	mux.Handle("GET /", login.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := loginstage.Current(r.Context())
		fmt.Fprintf(w, "Hello, %s.", s.User)
	})))
	app := http.NewCrossOriginProtection().Handler(login.Guard(mux))

	// Ada signs in in Berlin and opens a page there and in Munich. A thief uses her
	// cookie in Paris, and then nobody can use it.
	var cookies []*http.Cookie
	for _, request := range []struct{ method, target, from string }{
		{"POST", "/login?password=correct+horse+battery", bindingtest.Berlin.String()},
		{"GET", "/", bindingtest.Berlin.String()},
		{"GET", "/", bindingtest.Munich.String()},
		{"GET", "/", bindingtest.Paris.String()},
		{"GET", "/", bindingtest.Berlin.String()},
	} {
		r := httptest.NewRequest(request.method, "https://app.example"+request.target, nil)
		r.RemoteAddr = request.from + ":50000"
		for _, cookie := range cookies {
			r.AddCookie(cookie)
		}
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		if set := w.Result().Cookies(); len(set) > 0 {
			cookies = set
		}
		fmt.Println(w.Code)
	}
	// Output:
	// login: ada
	// 200
	// 200
	// 200
	// logout: ada: geoip.country
	// 401
	// 401
}

func printEvent(_ context.Context, e loginstage.Event) error {
	fmt.Printf("%s: %s", e.Action, e.User)
	if broken := e.Context.Binding; broken != nil {
		fmt.Print(": ", broken.Reason)
	}
	fmt.Println()
	return nil
}
