package engine

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryEngineLoadsEvaluatesAndKeepsCookies(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/first" {
			http.SetCookie(w, &http.Cookie{Name: "__Host-first", Value: "1", Path: "/", Secure: true, HttpOnly: true, MaxAge: 60})
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<!doctype html><title>%s</title><p>%s", r.URL.Path, r.Header.Get("Cookie"))
	}))
	defer server.Close()
	spki := sha256.Sum256(server.Certificate().RawSubjectPublicKeyInfo)

	for _, e := range All() {
		t.Run(e.Name(), func(t *testing.T) {
			Require(t, e, os.Getenv("MOORING_REQUIRE_BROWSER") == "1")
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			browser, err := e.Start(ctx, Settings{Profile: t.TempDir(), SPKI: base64.StdEncoding.EncodeToString(spki[:])})
			require.NoError(t, err)
			tab, err := browser.Open(ctx, server.URL+"/first")
			require.NoError(t, err)

			title, err := tab.Eval(ctx, "document.title")
			require.NoError(t, err)
			assert.JSONEq(t, `"/first"`, string(title))
			secure, err := tab.Eval(ctx, "Promise.resolve({secure: isSecureContext})")
			require.NoError(t, err)
			assert.JSONEq(t, `{"secure":true}`, string(secure))
			_, err = tab.Eval(ctx, "undefined.nothing")
			thrown := new(scriptError)
			require.ErrorAs(t, err, &thrown)

			require.NoError(t, tab.SetCookie(ctx, Cookie{"__Host-stolen", "2"}))
			cookies, err := tab.Cookies(ctx)
			require.NoError(t, err)
			assert.ElementsMatch(t, []Cookie{{"__Host-first", "1"}, {"__Host-stolen", "2"}}, cookies)
			require.NoError(t, tab.DeleteCookie(ctx, "__Host-first"))
			second, err := browser.Open(ctx, server.URL+"/second")
			require.NoError(t, err)
			sent, err := second.Eval(ctx, "document.querySelector('p').textContent")
			require.NoError(t, err)
			assert.JSONEq(t, `"__Host-stolen=2"`, string(sent))
			require.NoError(t, browser.Close())
		})
	}
}
