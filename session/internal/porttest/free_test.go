package porttest_test

import (
	"net"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session/internal/porttest"
)

// A port can be listened on, and is held until the test is over.
func TestGet(t *testing.T) {
	var addr string
	t.Run("held", func(t *testing.T) {
		addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(porttest.Free(t)))
		listener, err := net.Listen("tcp", addr)
		require.NoError(t, err)
		require.NoError(t, listener.Close())
		_, err = net.ListenPacket("udp", addr)
		require.Error(t, err, "by which other calls know that it is taken")
	})
	free, err := net.ListenPacket("udp", addr)
	require.NoError(t, err)
	require.NoError(t, free.Close())
}
