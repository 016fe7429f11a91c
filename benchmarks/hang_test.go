package benchmarks

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/redisstore"
	"github.com/mooring-go/mooring/session/rueidisstore"
)

// BenchmarkHang has the connections to Redis hang, all that there are, as where a firewall
// forgot them, while 16 clients ask for a session each hundredth of a second. It reports how
// long the slowest request took, how many failed, and for how long some did.
func BenchmarkHang(b *testing.B) {
	server := redisServer(b)
	b.Run("go-redis", func(b *testing.B) {
		hang(b, server, func(addr string) (session.Store, func()) {
			client := redis.NewClient(&redis.Options{Addr: addr, PoolSize: connections, ContextTimeoutEnabled: true})
			store, err := redisstore.New(client, redisstore.Config{})
			require.NoError(b, err)
			return store, func() { _ = client.Close() }
		})
	})
	b.Run("rueidis", func(b *testing.B) {
		hang(b, server, func(addr string) (session.Store, func()) {
			client, err := rueidisstore.Dial(rueidis.ClientOption{InitAddress: []string{addr}})
			require.NoError(b, err)
			store, err := rueidisstore.New(client, rueidisstore.Config{})
			require.NoError(b, err)
			return store, client.Close
		})
	})
}

func hang(b *testing.B, server string, open func(addr string) (session.Store, func())) {
	var slowest, failing time.Duration
	failed := 0
	for b.Loop() {
		relay := newRelay(b, server)
		store, closed := open(relay.listener.Addr().String())
		started := makeSession(b)(0)
		_, err := store.Start(b.Context(), started, session.Replace{})
		require.NoError(b, err)
		ctx, stop := context.WithCancel(b.Context())
		var mu sync.Mutex
		var running sync.WaitGroup
		var hung time.Time
		for range clients {
			running.Go(func() {
				for ctx.Err() == nil {
					request, cancel := context.WithTimeout(b.Context(), session.DefaultStoreTimeout)
					began := time.Now()
					_, err := store.Get(request, started.ID)
					cancel()
					mu.Lock()
					slowest = max(slowest, time.Since(began))
					if err != nil {
						failed++
						failing = max(failing, time.Since(hung))
					}
					mu.Unlock()
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
		time.Sleep(time.Second / 2)
		mu.Lock()
		hung = time.Now()
		mu.Unlock()
		relay.forget()
		time.Sleep(2 * session.DefaultStoreTimeout)
		stop()
		running.Wait()
		closed()
		relay.close()
	}
	b.ReportMetric(slowest.Seconds(), "s-slowest")
	b.ReportMetric(failing.Seconds(), "s-failing")
	b.ReportMetric(float64(failed)/float64(b.N), "failed")
}

// A relay stands before a server, and can forget its connections.
type relay struct {
	listener net.Listener
	mu       sync.Mutex
	conns    map[net.Conn]bool // false: nothing is passed on to it
}

func newRelay(b *testing.B, server string) *relay {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	r := &relay{listener: listener, conns: map[net.Conn]bool{}}
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", server)
			if err != nil {
				_ = near.Close()
				continue
			}
			r.mu.Lock()
			r.conns[near], r.conns[far] = true, true
			r.mu.Unlock()
			go r.pass(near, far)
			go r.pass(far, near)
		}
	}()
	return r
}

func (r *relay) pass(to, from net.Conn) {
	_, _ = io.Copy(end{r, to}, from)
	_ = to.Close()
	_ = from.Close()
}

// forget leaves the connections that there are open, and passes nothing on.
func (r *relay) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for conn := range r.conns {
		r.conns[conn] = false
	}
}

func (r *relay) close() {
	_ = r.listener.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	for conn := range r.conns {
		_ = conn.Close()
	}
}

// An end takes what is passed on to a connection, and drops it once that was forgotten.
type end struct {
	relay *relay
	to    net.Conn
}

func (e end) Write(b []byte) (int, error) {
	e.relay.mu.Lock()
	known := e.relay.conns[e.to]
	e.relay.mu.Unlock()
	if !known {
		return len(b), nil
	}
	return e.to.Write(b)
}
