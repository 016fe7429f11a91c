package failover

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A wire passes on connections to a server until it is cut.
type wire struct {
	listener net.Listener
	server   string

	mu    sync.Mutex
	isCut bool
	conns []net.Conn
}

// newWire returns a wire to the server at the address.
func newWire(t *testing.T, server string) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{listener: listener, server: server}
	go w.serve()
	t.Cleanup(func() {
		_ = listener.Close()
		w.cut()
	})
	return w
}

// port returns the port by which the server is reached.
func (w *wire) port() string {
	_, port, _ := net.SplitHostPort(w.listener.Addr().String())
	return port
}

// cut ends all connections, and each that is made from now on.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = true
	for _, conn := range w.conns {
		_ = conn.Close()
	}
}

func (w *wire) serve() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", w.server)
		w.mu.Lock()
		if err == nil {
			w.conns = append(w.conns, client, server)
		}
		if w.isCut || err != nil {
			_ = client.Close()
			if err == nil {
				_ = server.Close()
			}
		} else {
			go pass(server, client)
			go pass(client, server)
		}
		w.mu.Unlock()
	}
}

// pass passes on what comes until either end is closed, and closes the other.
func pass(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_ = to.Close()
	_ = from.Close()
}
