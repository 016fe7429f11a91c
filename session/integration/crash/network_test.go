package crash

import (
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
)

// A link stands between a process and its server, and can be cut.
type link struct {
	server string
	gate   sync.RWMutex // held for reading by what passes on, for writing by a cut
	lost   atomic.Int64 // how much of what was under way did not arrive

	mu    sync.Mutex
	conns []net.Conn
}

// linked returns the place by way of a link.
func linked(t *testing.T, p place) (place, *link) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := &link{}
	here := listener.Addr().String()
	switch p.Engine {
	case "MySQL":
		config, err := mysql.ParseDSN(p.Address)
		require.NoError(t, err)
		l.server, config.Addr = config.Addr, here
		p.Address = config.FormatDSN()
	case "PostgreSQL":
		dsn, err := url.Parse(p.Address)
		require.NoError(t, err)
		l.server, dsn.Host = dsn.Host, here
		p.Address = dsn.String()
	default:
		l.server, p.Address = p.Address, here
	}
	go l.serve(listener)
	t.Cleanup(func() {
		_ = listener.Close()
		l.cut(0)
	})
	return p, l
}

func (l *link) serve(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", l.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		l.mu.Lock()
		l.conns = append(l.conns, client, server)
		l.mu.Unlock()
		go l.pass(server, client)
		go l.pass(client, server)
	}
}

// pass passes on what it reads, unless the link is cut meanwhile.
func (l *link) pass(to io.WriteCloser, from io.ReadCloser) {
	defer func() {
		_ = to.Close()
		_ = from.Close()
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		l.gate.RLock()
		_, err = to.Write(buffer[:n])
		l.gate.RUnlock()
		if err != nil {
			l.lost.Add(1)
			return
		}
	}
}

// cut stops all that is under way, so that what the server answers is lost, ends
// the connections after a while, and lets new ones be made.
func (l *link) cut(silence time.Duration) {
	l.gate.Lock()
	defer l.gate.Unlock()
	time.Sleep(silence)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.conns {
		_ = conn.Close()
	}
	l.conns = nil
}

// The process goes on where its connections are lost and can be made again. Of
// a step whose answer was lost, nobody knows whether it was made; all others
// count.
func TestNetworkCut(t *testing.T) {
	for _, name := range []string{"PostgreSQL", "MySQL", "Redis"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, name)
			through, link := linked(t, p)
			through.Patient = true
			l := newLedger()
			cuts := 0
			for round := range rounds(t) {
				done := make(chan struct{})
				err := l.crash(t, through, func(child *os.Process) {
					go func() {
						defer close(done)
						// As often as chance says, and until a cut has met a step.
						for n, began := 1+rand.IntN(4), time.Now(); n > 0 || link.lost.Load() == 0 && time.Since(began) < time.Minute; n-- {
							link.cut(rand.N(20 * time.Millisecond))
							cuts++
							time.Sleep(rand.N(50 * time.Millisecond))
						}
						_ = child.Kill()
					}()
				})
				<-done
				require.ErrorContains(t, err, "signal: killed")
				l.check(t, p, round)
			}
			l.verifyOld(t, p)
			l.log(t, rounds(t))
			// The client of Redis tries again by itself, so that few steps fail.
			t.Logf("%d cuts: %d messages lost, %d steps failed", cuts, link.lost.Load(), l.failed)
			require.NotZero(t, link.lost.Load(), "the cuts met no step")
		})
	}
}
