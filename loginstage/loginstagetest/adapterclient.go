package loginstagetest

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/binding/clientip"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

// behindLoopback has clients on this machine come from where X-Forwarded-For says.
var behindLoopback = clientip.TrustedProxies("X-Forwarded-For", netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))

// newTLSServer returns a server that speaks the protocol, to be started.
func newTLSServer(t testing.TB, protocol string) *httptest.Server {
	server := httptest.NewUnstartedServer(nil)
	server.EnableHTTP2 = protocol == "HTTP/2.0"
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of panics that are asked for
	t.Cleanup(server.Close)
	return server
}

func listenTLS(t testing.TB, certificates []tls.Certificate) net.Listener {
	var listening net.ListenConfig
	listener, err := listening.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return tls.NewListener(listener, &tls.Config{Certificates: certificates, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12})
}

// visitor is a client of an adapter's host with cookies of its own.
type visitor struct {
	f      *adapterFixture
	client http.Client
	ip     netip.Addr // the zero Addr: nobody says
}

// visitor returns a client in Berlin, without cookies.
func (f *adapterFixture) visitor() *visitor {
	f.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(f, err)
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &visitor{f: f, client: http.Client{Transport: f.server.Transport, Jar: jar, CheckRedirect: stay}, ip: bindingtest.Berlin}
}

// signedIn returns a client in Berlin that the user has signed in with.
func (f *adapterFixture) signedIn(user string) *visitor {
	f.Helper()
	v := f.visitor()
	require.Equal(f, http.StatusNoContent, v.do("POST", "/begin?user="+user).StatusCode, "the answer to /begin, with a stage that asks nothing")
	return v
}

// request returns a request that asks for JSON.
func (v *visitor) request(method, path string) *http.Request {
	v.f.Helper()
	r, err := http.NewRequestWithContext(v.f.Context(), method, v.f.url+path, nil)
	require.NoError(v.f, err)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "kit/1.0")
	if v.ip.IsValid() {
		r.Header.Set("X-Forwarded-For", v.ip.String())
	}
	return r
}

// do sends a request and returns the whole response.
func (v *visitor) do(method, path string) Response { return v.send(v.request(method, path)) }

func (v *visitor) send(r *http.Request) Response {
	v.f.Helper()
	response, err := v.client.Do(r)
	require.NoError(v.f, err, "%s %s", r.Method, r.URL.Path)
	defer func() { _ = response.Body.Close() }() // it has been read
	require.Equal(v.f, v.f.protocol, response.Proto)
	text, err := io.ReadAll(response.Body)
	require.NoError(v.f, err, "the body of %s %s", r.Method, r.URL.Path)
	return Response{Response: response, Text: string(text)}
}

// stream opens a stream, waits for its first line, "open", and returns what returns the
// rest of it once it has ended.
func (v *visitor) stream(path string) (rest func() string) {
	v.f.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(v.f.Context()), adapterPatience)
	v.f.Cleanup(cancel)
	response, err := v.client.Do(v.request("GET", path).WithContext(ctx))
	require.NoError(v.f, err)
	v.f.Cleanup(func() { _ = response.Body.Close() })
	require.Equal(v.f, http.StatusOK, response.StatusCode)
	require.Equal(v.f, []string{"private, no-cache"}, response.Header["Cache-Control"])
	lines := bufio.NewReader(response.Body)
	line, err := lines.ReadString('\n')
	require.NoError(v.f, err)
	require.Equal(v.f, "open\n", line)
	return func() string {
		v.f.Helper()
		text, err := io.ReadAll(lines)
		require.NoError(v.f, err, "the stream did not end with its session")
		return string(text)
	}
}

// is checks that the answer to a GET is 200 and the text.
func (v *visitor) is(text, path string) Response {
	v.f.Helper()
	response := v.do("GET", path)
	require.Equal(v.f, http.StatusOK, response.StatusCode, "GET %s: %s", path, response.Text)
	require.Equal(v.f, text, response.Text, "GET %s", path)
	return response
}

// denied checks that the answer is the problem of a denial and nothing else, and
// returns it.
func (v *visitor) denied(status int, response Response) loginstage.Problem {
	v.f.Helper()
	require.Equal(v.f, status, response.StatusCode, response.Text)
	require.Equal(v.f, "application/problem+json", response.Header.Get("Content-Type"))
	require.Equal(v.f, "no-store", response.Header.Get("Cache-Control"))
	require.Empty(v.f, response.Header["Set-Cookie"], "a denial takes no token away")
	var problem loginstage.Problem
	require.NoError(v.f, response.Decode(&problem), "the whole body is one problem: no handler behind may write")
	require.Equal(v.f, status, problem.Status)
	return problem
}

// token returns the value of the visitor's session cookie.
func (v *visitor) token() string {
	v.f.Helper()
	for _, cookie := range v.client.Jar.Cookies(v.request("GET", "/").URL) {
		if strings.HasPrefix(cookie.Name, "__Host-") && !strings.HasSuffix(cookie.Name, "_pending") {
			return cookie.Name + "=" + cookie.Value
		}
	}
	require.Fail(v.f, "no session cookie")
	return ""
}

// cookie returns the value of the visitor's one cookie whose name ends so.
func (v *visitor) cookie(suffix string) string {
	v.f.Helper()
	for _, cookie := range v.client.Jar.Cookies(v.request("GET", "/").URL) {
		if strings.HasSuffix(cookie.Name, suffix) {
			return cookie.Value
		}
	}
	require.Fail(v.f, "no cookie", suffix)
	return ""
}

// bearer signs the user in with a client of an API in Berlin, as somebody who acts as the
// user and is asked nothing, and returns the token.
func (f *adapterFixture) bearer(user loginstage.User) string {
	f.Helper()
	w := httptest.NewRecorder()
	call := loginstage.Call{RemoteAddr: "127.0.0.1:1", Header: http.Header{"X-Forwarded-For": {bindingtest.Berlin.String()}}}
	user.Actor = "support"
	challenge, err := f.stage.Begin(w, call.Request(f.Context()), user)
	require.NoError(f, err)
	require.Nil(f, challenge)
	return w.Header().Get(session.DefaultTokenHeader)
}

// dial opens a connection to the host, below HTTP.
func (f *adapterFixture) dial() net.Conn {
	f.Helper()
	transport, ok := f.server.Transport.(*http.Transport)
	require.True(f, ok)
	config := transport.TLSClientConfig.Clone()
	config.NextProtos = nil
	config.ServerName = "example.com" // which the certificate of httptest is for
	ctx, cancel := context.WithTimeout(f.Context(), adapterPatience)
	defer cancel()
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", strings.TrimPrefix(f.url, "https://"))
	require.NoError(f, err)
	f.Cleanup(func() { _ = conn.Close() })
	return conn
}
