package loginstage_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

func preflight(header ...string) http.Header {
	h := http.Header{"Origin": {"https://other.example"}, "Access-Control-Request-Method": {"POST"}}
	for i := 0; i < len(header); i += 2 {
		if header[i+1] == "" {
			h.Del(header[i])
		} else {
			h.Add(header[i], header[i+1])
		}
	}
	return h
}

// A preflight reaches a CORS handler behind Require, as an anonymous request.
func TestPreflightsReachTheHandler(t *testing.T) {
	for _, test := range []struct {
		name   string
		method string
		header http.Header
		passes bool
	}{
		{"a preflight", "OPTIONS", preflight(), true},
		{"with headers", "OPTIONS", preflight("Access-Control-Request-Headers", "x-a"), true},
		{"from an opaque origin", "OPTIONS", http.Header{"Origin": {"null"}, "Access-Control-Request-Method": {"GET"}}, true},
		{"with a port", "OPTIONS", http.Header{"Origin": {"http://localhost:3000"}, "Access-Control-Request-Method": {"GET"}}, true},
		{"from an extension", "OPTIONS", http.Header{"Origin": {"moz-extension://abc"}, "Access-Control-Request-Method": {"GET"}}, true},
		{"no OPTIONS", "POST", preflight(), false},
		{"lower case", "options", preflight(), false},
		{"without an origin", "OPTIONS", preflight("Origin", ""), false},
		{"two origins", "OPTIONS", preflight("Origin", "https://third.example"), false},
		{"no origin", "OPTIONS", http.Header{"Origin": {"https://a.example/path"}, "Access-Control-Request-Method": {"GET"}}, false},
		{"no origin either", "OPTIONS", http.Header{"Origin": {"a b"}, "Access-Control-Request-Method": {"GET"}}, false},
		{"without a method", "OPTIONS", preflight("Access-Control-Request-Method", ""), false},
		{"two methods", "OPTIONS", preflight("Access-Control-Request-Method", "PUT"), false},
		{"no method", "OPTIONS", http.Header{"Origin": {"null"}, "Access-Control-Request-Method": {"GET, PUT"}}, false},
	} {
		for _, guarded := range []bool{false, true} {
			t.Run(test.name, func(t *testing.T) {
				stage, cookies := signedInTo(t, loginstage.Config{})
				called := false
				handler := stage.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					called = true
					_, signedIn := loginstage.Current(r.Context())
					assert.False(t, signedIn)
					assert.Empty(t, r.Header["Cookie"])
					assert.Empty(t, r.Header["Authorization"])
					body, err := io.ReadAll(r.Body)
					assert.NoError(t, err)
					assert.Empty(t, body)
					assert.Zero(t, r.ContentLength)
					_, err = stage.Check(w, r)
					assert.Error(t, err, "and it stays anonymous")
					assert.Equal(t, "https://app.example.com/a?b=c", r.URL.String())
					w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
					w.Header().Set("Content-Length", "6")
					w.WriteHeader(http.StatusOK)
					_, err = io.WriteString(w, "secret")
					assert.NoError(t, err)
				}))
				if guarded {
					handler = stage.Guard(handler)
				}
				r := httptest.NewRequest(test.method, "https://app.example.com/a?b=c", strings.NewReader("a body"))
				r.Header = test.header.Clone()
				r.Header.Set("Authorization", "Bearer x")
				if test.passes {
					r.Header.Set("Cookie", cookies)
				}
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				assert.Equal(t, test.passes, called)
				if !test.passes {
					assert.Equal(t, http.StatusUnauthorized, w.Code)
					return
				}
				assert.Equal(t, http.StatusOK, w.Code)
				assert.Equal(t, test.header.Get("Origin"), w.Header().Get("Access-Control-Allow-Origin"))
				assert.Empty(t, w.Header().Get("Content-Length"))
				assert.Empty(t, w.Body.String())
				assert.Equal(t, "Bearer x", r.Header.Get("Authorization"), "the caller's request is left alone")
			})
		}
	}
}

func TestPreflightsOverAServer(t *testing.T) {
	stage, _ := signedInTo(t, loginstage.Config{})
	for _, status := range []int{0, http.StatusOK, http.StatusNoContent} {
		handler := stage.Require(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.Header().Set("Content-Length", "6")
			if status != 0 {
				w.WriteHeader(status)
			}
			_, _ = io.WriteString(w, "secret")
		}))
		served(t, handler, func(t *testing.T, server *httptest.Server) {
			r, err := http.NewRequestWithContext(t.Context(), "OPTIONS", server.URL, nil)
			require.NoError(t, err)
			r.Header = preflight()
			response, err := server.Client().Do(r)
			require.NoError(t, err)
			body, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			assert.Equal(t, max(status, http.StatusOK), response.StatusCode)
			assert.Equal(t, "*", response.Header.Get("Access-Control-Allow-Origin"))
			assert.Empty(t, body)
		})
	}
}

// A handler that signs in for a preflight too makes nothing cacheable by it, and is told
// if it does so too late.
func TestAPreflightThatSignsIn(t *testing.T) {
	for _, late := range []bool{false, true} {
		stage := loginstagetest.New(t, loginstage.Config{})
		handler := stage.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "public, max-age=31536000")
			if late {
				w.WriteHeader(http.StatusOK)
			}
			_, err := stage.Begin(w, r, loginstage.User{ID: "ada"})
			if late {
				assert.ErrorIs(t, err, loginstage.ErrResponseBegun)
				return
			}
			assert.NoError(t, err)
			w.Header().Set("Cache-Control", "public, max-age=31536000")
		}))
		r := httptest.NewRequest("OPTIONS", "https://app.example.com/", nil)
		r.Header.Set("Origin", "https://app.example.com")
		r.Header.Set("Access-Control-Request-Method", "POST")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if !late {
			assert.Equal(t, []string{"no-store"}, w.Header()["Cache-Control"])
			assert.NotEmpty(t, w.Result().Cookies())
		}
	}
}

// What next does with a preflight itself finds nobody signed in.
func TestAPreflightIsAnonymousToItsHandler(t *testing.T) {
	stage := loginstagetest.New(t, loginstage.Config{})
	served := false
	handler := stage.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served = true
		ctx, err := stage.Authenticate(r.Context(), loginstage.Call{Path: "/orders"})
		assert.Equal(t, loginstage.DenialSignIn, denial(t, err).Denial)
		_, signedIn := loginstage.Current(ctx)
		assert.False(t, signedIn)
		_, err = stage.Check(w, r)
		assert.Equal(t, loginstage.DenialSignIn, denial(t, err).Denial)
	}))
	r := httptest.NewRequest(http.MethodOptions, "https://app.example.com/orders", nil)
	r.Header = preflight()
	handler.ServeHTTP(httptest.NewRecorder(), r)
	assert.True(t, served)
}
