package integration

import (
	"io"
	"log"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session/sqlstore"
)

// The driver writes of each lost connection to the standard error.
func init() { _ = mysql.SetLogger(log.New(io.Discard, "", 0)) }

// A proxy stands between a store and its server, and can be down or silent.
type proxy struct {
	listener net.Listener
	server   string
	silence  sync.RWMutex // held for writing while nothing is passed on

	mu    sync.Mutex
	down  bool
	conns []net.Conn
}

// newProxy returns a proxy of the server, which may be set later.
func newProxy(t *testing.T, server string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{listener: listener, server: server}
	t.Cleanup(func() {
		_ = listener.Close()
		p.set(true)
	})
	return p
}

// proxied returns the engine's DSN by way of a proxy.
func (e engine) proxied(t *testing.T) (string, *proxy) {
	t.Helper()
	p := newProxy(t, "")
	listener := p.listener
	dsn := e.dsn(t)
	if e.dialect == sqlstore.MySQL {
		config, err := mysql.ParseDSN(dsn)
		require.NoError(t, err)
		p.server, config.Addr = config.Addr, listener.Addr().String()
		dsn = config.FormatDSN()
	} else {
		config, err := url.Parse(dsn)
		require.NoError(t, err)
		p.server, config.Host = config.Host, listener.Addr().String()
		dsn = config.String()
	}
	go p.serve()
	return dsn, p
}

// set takes the server down, with all connections, or brings it up.
func (p *proxy) set(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
	for _, conn := range p.conns {
		_ = conn.Close()
	}
	p.conns = nil
}

// pass passes on what comes until either end is closed, and closes the other:
// lib/pq waits for that when it cancels.
func (p *proxy) pass(to, from net.Conn) {
	_, _ = io.Copy(quietable{to, p}, from)
	_ = to.Close()
	_ = from.Close()
}

// quietable passes on nothing while the proxy is silent.
type quietable struct {
	to io.Writer
	p  *proxy
}

func (q quietable) Write(b []byte) (int, error) {
	q.p.silence.RLock()
	defer q.p.silence.RUnlock()
	return q.to.Write(b)
}

func (p *proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		server, err := net.Dial("tcp", p.server)
		if p.down || err != nil {
			_ = client.Close()
			if err == nil {
				_ = server.Close()
			}
		} else {
			p.conns = append(p.conns, client, server)
			go p.pass(server, client)
			go p.pass(client, server)
		}
		p.mu.Unlock()
	}
}
