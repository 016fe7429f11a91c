// Package porttest finds ports for the servers that tests start.
package porttest

import (
	"math/rand/v2"
	"net"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// Free returns a TCP port of 127.0.0.1 that nobody listens on. No other call returns it
// before the test is over, in whatever process. It is none of those from which connections
// are made: a client that dials such a one can meet itself.
func Free(t testing.TB) int {
	t.Helper()
	for {
		port := 10_000 + rand.IntN(20_000) //nolint:gosec // G404: nobody has to guess it
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		held, err := net.ListenPacket("udp", addr)
		if err != nil {
			continue
		}
		listener, err := net.Listen("tcp", addr)
		if err != nil {
			_ = held.Close()
			continue
		}
		require.NoError(t, listener.Close())
		t.Cleanup(func() { _ = held.Close() })
		return port
	}
}
