package main

import (
	"context"
	"io"
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
	"github.com/mooring-go/mooring/session/memstore"
)

// served is the application, with ada's password "secret".
type served struct {
	t       *testing.T
	login   *loginstage.UserLogin
	tickets *tickets
	server  *httptest.Server
}

var testKey = []byte("a key of 32 bytes, for the tests")

func serve(t *testing.T, store session.Store) *served {
	t.Helper()
	login, err := loginstage.New(loginstage.Config{LoginURL: "/login", Store: store, Carrier: session.CookieOrBearer{}})
	require.NoError(t, err)
	tickets, err := newTickets(testKey, login, store)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- login.Watch(ctx) }()
	server := httptest.NewTLSServer(newHandler(login, tickets, "secret", 5*time.Millisecond))
	t.Cleanup(func() {
		server.Close()
		cancel()
		assert.ErrorIs(t, <-done, context.Canceled)
	})
	return &served{t, login, tickets, server}
}

// post posts a form, or nothing, and returns the answer and its body.
func (s *served) post(client *http.Client, path string, form url.Values, header http.Header) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.server.URL+path, strings.NewReader(form.Encode()))
	require.NoError(s.t, err)
	if header != nil {
		r.Header = header.Clone()
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := client.Do(r)
	require.NoError(s.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	return response, string(body)
}

// browser returns the client of a browser that has signed in. It says of its requests
// which page they come from.
func (s *served) browser() *http.Client {
	s.t.Helper()
	client := *s.server.Client()
	var err error
	client.Jar, err = cookiejar.New(nil)
	require.NoError(s.t, err)
	response, _ := s.post(&client, "/login", url.Values{"password": {"secret"}}, http.Header{"Origin": {s.server.URL}})
	require.Equal(s.t, http.StatusOK, response.StatusCode)
	return &client
}

// dial opens the WebSocket with the header. An error says with which status it was refused.
func (s *served) dial(client *http.Client, header http.Header, protocols ...string) (*websocket.Conn, error) {
	s.t.Helper()
	conn, response, err := websocket.Dial(s.t.Context(), strings.Replace(s.server.URL, "https", "wss", 1)+"/clock",
		&websocket.DialOptions{HTTPClient: client, HTTPHeader: header, Subprotocols: protocols})
	if response != nil && response.Body != nil {
		_ = response.Body.Close()
	}
	if err == nil {
		s.t.Cleanup(func() { _ = conn.CloseNow() })
	}
	return conn, err
}

// ticks reads some messages of the WebSocket.
func ticks(t *testing.T, conn *websocket.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 3 {
		_, text, err := conn.Read(ctx)
		require.NoError(t, err)
		_, err = time.Parse(time.TimeOnly, string(text))
		require.NoError(t, err)
	}
}

// closes waits until the WebSocket is closed, and returns with which status.
func closes(t *testing.T, conn *websocket.Conn) websocket.StatusCode {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

func TestTheSocketClosesWithTheSession(t *testing.T) {
	for name, end := range map[string]func(s *served, client *http.Client){
		"revoked": func(s *served, _ *http.Client) {
			_, err := s.login.RevokeOthers(t.Context(), "ada", session.ID{}, "operator")
			require.NoError(t, err)
		},
		"signed out": func(s *served, client *http.Client) { s.post(client, "/logout", nil, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, memstore.New())
			client := s.browser()
			conn, err := s.dial(client, nil)
			require.NoError(t, err)
			ticks(t, conn)
			end(s, client)
			assert.Equal(t, websocket.StatusPolicyViolation, closes(t, conn))
			_, err = s.dial(client, nil)
			assert.ErrorContains(t, err, "401")
		})
	}
}

func TestNobodyElseOpensASocket(t *testing.T) {
	s := serve(t, memstore.New())
	client := s.browser()
	_, err := s.dial(s.server.Client(), nil)
	assert.ErrorContains(t, err, "401", "without the cookie")
	_, err = s.dial(client, http.Header{"Origin": {s.server.URL}})
	require.NoError(t, err, "a page of the application")
	_, err = s.dial(client, http.Header{"Origin": {"https://elsewhere.example"}})
	assert.ErrorContains(t, err, "403", "a page of another site, with the user's cookie")
}
