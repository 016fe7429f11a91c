package redistest

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A Proxy stands before a server, and can become a network that loses everything.
type Proxy struct {
	Addr     string
	to       string
	listener net.Listener

	mu    sync.Mutex
	lost  bool
	back  *sync.Cond // lost was changed, or all is over
	over  bool
	conns map[net.Conn]bool // false: what is sent to it is never forwarded
}

// NewProxy returns a proxy before the server at an address, closed when the test is over.
func NewProxy(t testing.TB, to string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &Proxy{Addr: listener.Addr().String(), to: to, listener: listener, conns: map[net.Conn]bool{}}
	p.back = sync.NewCond(&p.mu)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { p.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		p.mu.Lock()
		p.over = true
		for conn := range p.conns {
			_ = conn.Close()
		}
		p.back.Broadcast()
		p.mu.Unlock()
		running.Wait()
	})
	return p
}

// Lose has the proxy forward nothing, in neither direction, while all connections stay
// open and new ones are accepted, until it is called with false.
func (p *Proxy) Lose(lose bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lost = lose
	p.back.Broadcast()
}

// Forget has the proxy never again forward anything on the connections that there are,
// while it leaves them open, and forward on new ones: a firewall that lost its state.
func (p *Proxy) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		p.conns[conn] = false
	}
}

// Cut closes all connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		_ = conn.Close()
	}
}

func (p *Proxy) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.to) //nolint:noctx // on this machine
	if err != nil {
		_ = client.Close()
		return
	}
	p.mu.Lock()
	p.conns[client], p.conns[server] = true, true
	if p.over {
		_ = client.Close()
		_ = server.Close()
	}
	p.mu.Unlock()
	var both sync.WaitGroup
	pass := func(to, from net.Conn) {
		_, _ = io.Copy(gate{p, to}, from)
		_ = to.Close()
		_ = from.Close()
	}
	both.Go(func() { pass(server, client) })
	both.Go(func() { pass(client, server) })
	both.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, client)
	delete(p.conns, server)
}

// A gate writes while nothing is lost, and otherwise waits.
type gate struct {
	proxy *Proxy
	to    net.Conn
}

// Write waits until the proxy forwards again.
func (g gate) Write(b []byte) (int, error) {
	g.proxy.mu.Lock()
	for (g.proxy.lost || !g.proxy.conns[g.to]) && !g.proxy.over {
		g.proxy.back.Wait()
	}
	g.proxy.mu.Unlock()
	return g.to.Write(b)
}
