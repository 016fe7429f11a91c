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
