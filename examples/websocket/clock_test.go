package main

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

// signedIn serves the application, and returns a client who has signed in.
func signedIn(t *testing.T) (*loginstage.UserLogin, *httptest.Server, *http.Client) {
	t.Helper()
	login, err := loginstage.New(loginstage.Config{LoginURL: "/login"})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- login.Watch(ctx) }()
	server := httptest.NewTLSServer(newHandler(login, "secret", 5*time.Millisecond))
	t.Cleanup(func() {
		server.Close()
		cancel()
		assert.ErrorIs(t, <-done, context.Canceled)
	})
	client := server.Client()
	client.Jar, err = cookiejar.New(nil)
	require.NoError(t, err)
	response, err := client.PostForm(server.URL+"/login", url.Values{"password": {"secret"}})
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
	return login, server, client
}

func dial(t *testing.T, server *httptest.Server, client *http.Client) (*websocket.Conn, error) {
	t.Helper()
	conn, response, err := websocket.Dial(t.Context(), strings.Replace(server.URL, "https", "wss", 1)+"/clock", &websocket.DialOptions{HTTPClient: client})
	if response != nil && response.Body != nil {
		_ = response.Body.Close()
	}
	if err == nil {
		t.Cleanup(func() { _ = conn.CloseNow() })
	}
	return conn, err
}

func TestTheSocketClosesWithTheSession(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, login *loginstage.UserLogin, server *httptest.Server, client *http.Client){
		"revoked": func(t *testing.T, login *loginstage.UserLogin, _ *httptest.Server, _ *http.Client) {
			_, err := login.RevokeOthers(t.Context(), "ada", session.ID{}, "operator")
			require.NoError(t, err)
		},
		"signed out": func(t *testing.T, _ *loginstage.UserLogin, server *httptest.Server, client *http.Client) {
			response, err := client.PostForm(server.URL+"/logout", nil)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			login, server, client := signedIn(t)
			conn, err := dial(t, server, client)
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			for range 3 {
				_, text, err := conn.Read(ctx)
				require.NoError(t, err)
				_, err = time.Parse(time.TimeOnly, string(text))
				require.NoError(t, err)
			}
			end(t, login, server, client)
			for err == nil {
				_, _, err = conn.Read(ctx)
			}
			assert.Equal(t, websocket.StatusPolicyViolation, websocket.CloseStatus(err), "%v", err)
			_, err = dial(t, server, client)
			assert.ErrorContains(t, err, "401")
		})
	}
}

func TestNobodyElseOpensASocket(t *testing.T) {
	_, server, client := signedIn(t)
	_, err := dial(t, server, &http.Client{Transport: client.Transport})
	assert.ErrorContains(t, err, "401")
}
