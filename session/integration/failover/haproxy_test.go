package failover

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session/internal/porttest"
)

// A backend is a server behind HAProxy.
type backend struct {
	name string
	addr string
	// primary reports whether clients are to be sent there: what Patroni and others
	// answer at /primary.
	primary func() bool
}

// checkEvery is how often HAProxy asks a server whether it is the primary. It takes two
// answers to believe that one no longer is.
const checkEvery = 200 * time.Millisecond

// haproxy starts HAProxy in front of the servers, of which it takes the primary, and
// returns its address. Connections to a server that is the primary no longer it cuts, if
// cuts is set, and otherwise leaves alone, as it does by default.
func haproxy(t *testing.T, cuts bool, backends ...backend) string {
	t.Helper()
	options, redispatch := fmt.Sprintf("inter %dms fall 2 rise 1", checkEvery.Milliseconds()), "option redispatch 1\n"
	if long() {
		options, redispatch = "", "" // what it does by default: every 2 s, and believes three answers
	}
	if cuts {
		options += " on-marked-down shutdown-sessions"
	}
	var lines strings.Builder
	fmt.Fprintf(&lines, "%soption httpchk GET /primary\n", redispatch)
	if options != "" {
		fmt.Fprintf(&lines, "default-server %s\n", options)
	}
	asked := make([]atomic.Int32, len(backends))
	for i, b := range backends {
		check := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked[i].Add(1)
			if !b.primary() {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}))
		t.Cleanup(check.Close)
		_, port, err := net.SplitHostPort(check.Listener.Addr().String())
		require.NoError(t, err)
		fmt.Fprintf(&lines, "server %s %s check port %s\n", b.name, b.addr, port)
	}
	addr := startHAProxy(t, lines.String())
	for i := range asked { // until it has believed two or three answers, a server is up
		until(t, "HAProxy to know the primary", func() bool { return asked[i].Load() > 3 })
	}
	return addr
}

// spread starts HAProxy in front of the servers, of which it takes one after the other,
// primary or not.
func spread(t *testing.T, backends ...backend) string {
	t.Helper()
	lines := "balance roundrobin\n"
	for _, b := range backends {
		lines += fmt.Sprintf("server %s %s\n", b.name, b.addr)
	}
	return startHAProxy(t, lines)
}

func startHAProxy(t *testing.T, lines string) string {
	t.Helper()
	binary := program(t, "haproxy")
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(porttest.Free(t)))
	config := filepath.Join(directory(t, nil), "haproxy.cfg")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `global
maxconn 400
defaults
mode tcp
timeout connect 10s
timeout client 30m
timeout server 30m
timeout check 10s
listen sessions
bind %s
%s`, addr, lines), 0o600))
	run(t, nil, binary, "-db", "-f", config)
	listening(t, addr)
	return addr
}

// listening waits until something listens at the address.
func listening(t *testing.T, addr string) {
	t.Helper()
	until(t, addr+" to be listened at", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}
