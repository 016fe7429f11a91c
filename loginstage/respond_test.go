package loginstage_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

// Only a GET or HEAD that says it takes HTML is sent to sign in.
func TestWhoIsSentToSignIn(t *testing.T) {
	for _, test := range []struct {
		method string
		accept []string
		sent   bool
	}{
		{"GET", []string{"text/html"}, true},
		{"HEAD", []string{"text/html"}, true},
		{"GET", []string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, true},
		{"GET", []string{"application/xhtml+xml"}, true},
		{"GET", []string{"application/json, text/html;q=0.1"}, true},
		{"GET", []string{"TEXT/HTML; charset=utf-8"}, true},
		{"GET", []string{"application/json", "text/html"}, true},
		{"GET", []string{"text/html;q=0"}, false},
		{"GET", []string{"text/html;q=0.000"}, false},
		{"GET", []string{"text/html;q=no"}, false},
		{"GET", []string{"*/*"}, false},
		{"GET", []string{"text/*"}, false},
		{"GET", []string{"application/json"}, false},
		{"GET", []string{"application/json;note=text/html"}, false},
		{"GET", []string{""}, false},
		{"GET", []string{";;;,,,"}, false},
		{"GET", nil, false},
		{"POST", []string{"text/html"}, false},
		{"PUT", []string{"text/html"}, false},
		{"DELETE", []string{"text/html"}, false},
		{"OPTIONS", []string{"text/html"}, false},
		{"get", []string{"text/html"}, false},
	} {
		for _, why := range []string{"anonymous", "broken"} {
			t.Run(test.method+" "+http.Header{"Accept": test.accept}.Get("Accept")+" "+why, func(t *testing.T) {
				_, browser := open(t, loginstage.Config{LoginURL: "/login", GeoIPBinding: binding.GeoIPCountry})
				if why == "broken" {
					signIn(t, browser, "ada")
					browser.MoveTo(bindingtest.Paris)
				}
				r := httptest.NewRequest(test.method, "/private/page?a=b", nil)
				r.Header["Accept"] = test.accept
				response := browser.Do(r)
				assert.Equal(t, "no-store", response.Header.Get("Cache-Control"))
				if test.sent {
					assert.Equal(t, http.StatusSeeOther, response.StatusCode)
					assert.Equal(t, "/login?next=%2Fprivate%2Fpage%3Fa%3Db", response.Header.Get("Location"))
					return
				}
				assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
				assert.Empty(t, response.Header.Get("Location"))
				assert.Equal(t, "application/problem+json", response.Header.Get("Content-Type"))
				var problem loginstage.Problem
				require.NoError(t, response.Decode(&problem))
				want := loginstage.Problem{Type: "about:blank", Title: "Unauthorized", Status: 401, Detail: "Sign in to use this."}
				if why == "broken" {
					want.Cause = session.CauseBroken
					want.Detail = "The session was used from elsewhere and has ended. Sign in again."
				}
				assert.Equal(t, want, problem)
			})
		}
	}
}

func TestNobodyIsSentNowhere(t *testing.T) {
	_, browser := open(t, loginstage.Config{})
	response := browser.Get("/private/")
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
	assert.Empty(t, response.Header.Get("Location"))
}

// A browser that posts a form is sent to sign in, and to the page that the form was
// on: what it sent is lost, and cannot be asked for again.
func TestAFormThatIsPostedAfterTheSession(t *testing.T) {
	type header = map[string]string
	const form = "application/x-www-form-urlencoded"
	for _, test := range []struct {
		name     string
		method   string
		header   header
		location string // "": a problem
	}{
		{"navigating", "POST", header{"Sec-Fetch-Mode": "navigate"}, "/login"},
		{"navigating from a page", "POST", header{"Sec-Fetch-Mode": "navigate", "Referer": "https://app.example.com/cart?a=b#c"}, "/login?next=%2Fcart%3Fa%3Db"},
		{"with a host in another case", "POST", header{"Sec-Fetch-Mode": "navigate", "Referer": "https://APP.example.com/cart"}, "/login?next=%2Fcart"},
		{"from another origin", "POST", header{"Sec-Fetch-Mode": "navigate", "Referer": "https://evil.example/cart"}, "/login"},
		{"from another port", "POST", header{"Sec-Fetch-Mode": "navigate", "Referer": "https://app.example.com:444/cart"}, "/login"},
		{"from what is no page", "POST", header{"Sec-Fetch-Mode": "navigate", "Referer": "javascript://app.example.com/%0aalert(1)"}, "/login"},
		{"from what is no path", "POST", header{"Sec-Fetch-Mode": "navigate", "Referer": "https://app.example.com//evil.example"}, "/login"},
		{"from a path only", "POST", header{"Sec-Fetch-Mode": "navigate", "Referer": "/cart"}, "/login"},
		{"from the origin alone", "POST", header{"Sec-Fetch-Mode": "navigate", "Referer": "https://app.example.com"}, "/login?next=%2F"},
		{"from the sign-in", "POST", header{"Sec-Fetch-Mode": "navigate", "Referer": "https://app.example.com/login?next=%2Fcart"}, "/login"},
		{"an older browser's form", "POST", header{"Accept": "text/html", "Content-Type": form, "Referer": "https://app.example.com/cart"}, "/login?next=%2Fcart"},
		{"an older browser's upload", "POST", header{"Accept": "text/html", "Content-Type": "multipart/form-data; boundary=x"}, "/login"},
		{"a script's form", "POST", header{"Accept": "text/html", "Content-Type": form, "Sec-Fetch-Mode": "cors"}, ""},
		{"JSON", "POST", header{"Accept": "text/html", "Content-Type": "application/json"}, ""},
		{"a form that takes JSON", "POST", header{"Accept": "application/json", "Content-Type": form}, ""},
		{"a form that takes anything", "POST", header{"Accept": "*/*", "Content-Type": form}, ""},
		{"no form's method", "PUT", header{"Sec-Fetch-Mode": "navigate"}, ""},
		{"a page", "GET", header{"Sec-Fetch-Mode": "navigate", "Referer": "https://app.example.com/cart"}, "/login?next=%2Fprivate%2F"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, browser := open(t, loginstage.Config{LoginURL: "/login"})
			r := httptest.NewRequest(test.method, "/private/", nil)
			for name, value := range test.header {
				r.Header.Set(name, value)
			}
			response := browser.Do(r)
			assert.Equal(t, test.location, response.Header.Get("Location"))
			if test.location != "" {
				assert.Equal(t, http.StatusSeeOther, response.StatusCode)
			} else {
				assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
			}
		})
	}
}

// As a user does it: a form is shown, the session ends, the form is posted.
func TestAFormInABrowser(t *testing.T) {
	stage, browser := open(t, loginstage.Config{LoginURL: "/login"})
	signIn(t, browser, "ada")
	browser.Get("/private/cart?a=b")
	_, err := stage.RevokeUser(t.Context(), "ada", "")
	require.NoError(t, err)
	assert.Equal(t, "/login?next=%2Fprivate%2Fcart%3Fa%3Db", browser.PostForm("/private/order", nil).Header.Get("Location"))
	assert.Equal(t, http.StatusUnauthorized, browser.Call("POST", "/private/order", nil).StatusCode)
}
