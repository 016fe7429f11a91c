package clientip_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/clientip"
)

// serve answers with the client's address, at a Unix socket, and returns a client.
func serve(t *testing.T, resolver clientip.Resolver) *http.Client {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", path)
	require.NoError(t, err)
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ip, err := resolver.ClientIP(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, ip)
	})}}
	server.Start()
	t.Cleanup(server.Close)
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
}

func TestUnixSocket(t *testing.T) {
	proxies := clientip.Proxies{Header: "X-Forwarded-For", Trusted: proxyNet, UnixSocket: true}.Resolver()
	for _, test := range []struct {
		name     string
		resolver clientip.Resolver
		sent     []string
		want     string
	}{
		{"a proxy", proxies, []string{"192.0.2.1"}, "192.0.2.1"},
		{"proxies before it", proxies, []string{"198.51.100.9, 192.0.2.1, 10.0.0.2"}, "192.0.2.1"},
		{"no header", proxies, nil, "sent no such header"},
		{"garbage", proxies, []string{"192.0.2.1, unknown"}, "not an IP address"},
		{"nobody else is trusted", clientip.Proxies{Header: "X-Forwarded-For", UnixSocket: true}.Resolver(), []string{"192.0.2.1, 10.0.0.2"}, "10.0.0.2"},
		{"not asked for", clientip.TrustedProxies("X-Forwarded-For", proxyNet...), []string{"192.0.2.1"}, "want Proxies.UnixSocket"},
		{"no proxy", clientip.RemoteAddr{}, []string{"192.0.2.1"}, "want Proxies.UnixSocket"},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := serve(t, test.resolver)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://unix/", nil)
			require.NoError(t, err)
			r.Header["X-Forwarded-For"] = test.sent
			response, err := client.Do(r)
			require.NoError(t, err)
			said, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			assert.Contains(t, string(said), test.want)
		})
	}
}

// A middleware may write what a client sent into RemoteAddr. Over TCP that makes
// nobody a peer of a Unix socket.
func TestAPeerOverTCPIsNeverOneOfAUnixSocket(t *testing.T) {
	resolver := clientip.Proxies{Header: "X-Forwarded-For", UnixSocket: true}.Resolver()
	for _, remote := range []string{"@", "", "/run/app.sock"} {
		r := request(remote, "X-Forwarded-For", "192.0.2.1")
		local := net.TCPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.80:443"))
		assertClient(t, "", resolver, r.WithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, local)))
	}
	assertClient(t, "203.0.113.1", resolver, request("203.0.113.1:80", "X-Forwarded-For", "192.0.2.1"))
	assertClient(t, "192.0.2.1", resolver, request("@", "X-Forwarded-For", "192.0.2.1"))
}
