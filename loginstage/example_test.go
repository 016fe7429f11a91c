package loginstage_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/sink"
)

func ExampleNew() {
	login, err := loginstage.New(loginstage.Config{
		SessionDuration: duration.MustParse("hours=12"),
		NetworkBinding:  binding.NetworkASN,
		GeoIPBinding:    binding.GeoIPCountry,
		Locator:         bindingtest.Places(), // maxmind.Open in production
		Events:          sink.JSONLines(os.Stderr),
	})
	fmt.Println(login != nil, err)

	_, err = loginstage.New(loginstage.Config{
		SessionDuration: duration.MustParse("days=500"),
		GeoIPBinding:    binding.GeoIPCountry,
	})
	fmt.Println(err)
	// Output:
	// true <nil>
	// loginstage: SessionDuration days=500: want 0 (until the browser closes), or from seconds=1 to days=400
	// loginstage: GeoIPBinding bind_continent_country: want a Locator to check it with, or no_binding
}

func ExampleUserLogin_Guard() {
	login, err := loginstage.New(loginstage.Config{
		GeoIPBinding: binding.GeoIPCountry,
		Locator:      bindingtest.Places(),
		LoginURL:     "/login",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		// The password has been checked; Begin takes over.
		if _, err := login.Begin(w, r, loginstage.User{ID: "ada"}); err != nil {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		fmt.Fprint(w, "welcome")
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		if s, ok := loginstage.Current(r.Context()); ok {
			fmt.Fprintf(w, "hello %s", s.User)
		}
	})
	app := login.Guard(mux)

	visit := func(method, path, from, cookie string) *http.Response {
		r := httptest.NewRequest(method, path, nil)
		r.RemoteAddr = from + ":50000"
		r.Header.Set("Accept", "text/html")
		r.Header.Set("Cookie", cookie)
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
		return w.Result()
	}
	signedIn := visit("POST", "/login", bindingtest.Berlin.String(), "")
	cookie, _, _ := strings.Cut(signedIn.Header.Get("Set-Cookie"), ";")
	visit("GET", "/", bindingtest.Munich.String(), cookie)
	visit("GET", "/mail", bindingtest.Paris.String(), cookie)
	// Output:
	// 200 welcome
	// 200 hello ada
	// 303 <a href="/login?next=%2Fmail">See Other</a>.
}

func ExampleUserLogin_Begin() {
	login, err := loginstage.New(loginstage.Config{
		SessionDuration:    duration.MustParse("hours=12"),
		StaySignedInOffset: duration.MustParse("weeks=2"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	w := httptest.NewRecorder()
	challenge, err := login.Begin(w, httptest.NewRequest("POST", "/login", nil), loginstage.User{ID: "ada", Name: "Ada"})
	fmt.Println(challenge.Component, challenge.User, challenge.Offset, err)

	// The user says yes, in the same browser.
	answer := httptest.NewRequest("POST", "/stay", nil)
	answer.AddCookie(w.Result().Cookies()[0])
	w = httptest.NewRecorder()
	fmt.Println(login.Finish(w, answer, loginstage.Answer{StaySignedIn: true}))
	fmt.Println(w.Result().Cookies()[0].MaxAge)
	fmt.Println(login.Finish(w, answer, loginstage.Answer{StaySignedIn: true}))
	// Output:
	// stay_signed_in ada weeks=2 <nil>
	// <nil>
	// 1252800
	// loginstage: no challenge to answer
}

// A host that has an authorization layer of its own asks Check, and answers itself.
func ExampleUserLogin_Check() {
	login, err := loginstage.New(loginstage.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := login.Check(w, r)
		if denied, ok := errors.AsType[*loginstage.AccessError](err); ok {
			if denied.Denial == loginstage.DenialSignIn {
				http.Error(w, "members only", http.StatusForbidden)
				return
			}
			denied.Respond(w, r)
			return
		}
		fmt.Fprintf(w, "hello %s", s.User)
	})
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Print(w.Code, " ", w.Body)
	// Output: 403 members only
}
