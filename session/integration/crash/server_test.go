package crash

import (
	"context"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// A server is a Redis server that writes all that it confirms to disk first.
type server struct {
	binary  string
	args    []string
	address string
	process *exec.Cmd
}

func newServer(t *testing.T) *server {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil && os.Getenv("MOORING_REQUIRE_SERVERS") != "1" {
		t.Skipf("missing: the binary redis-server: %v", err)
	}
	require.NoError(t, err, "missing: the binary redis-server")
	port := freePort(t)
	s := &server{binary: binary, address: net.JoinHostPort("127.0.0.1", port), args: []string{
		"--bind", "127.0.0.1", "--port", port, "--dir", t.TempDir(), "--save", "", "--appendonly", "yes", "--appendfsync", "always",
	}}
	t.Cleanup(func() { s.kill() })
	return s
}

// freePort is one that nobody listens on, and none of those from which
// connections are made.
func freePort(t *testing.T) string {
	t.Helper()
	for {
		port := strconv.Itoa(10_000 + rand.IntN(20_000))
		if listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port)); err == nil {
			require.NoError(t, listener.Close())
			return port
		}
	}
}

// start starts the server and waits until it answers.
func (s *server) start(t *testing.T) {
	t.Helper()
	s.process = exec.Command(s.binary, s.args...)
	require.NoError(t, s.process.Start())
	client := redis.NewClient(&redis.Options{Addr: s.address})
	defer func() { _ = client.Close() }()
	require.Eventually(t, func() bool { return client.Ping(context.Background()).Err() == nil }, 30*time.Second, 10*time.Millisecond)
}

// kill ends the server with SIGKILL.
func (s *server) kill() {
	if s.process != nil {
		_ = s.process.Process.Kill()
		_ = s.process.Wait()
		s.process = nil
	}
}

// The process finds its server gone in the midst of its steps. What had been
// confirmed until then must be there when the server is back.
func TestRedisKilled(t *testing.T) {
	s := newServer(t)
	s.start(t)
	p := place{Engine: "Redis", Address: s.address, Name: "crash"}
	l := newLedger()
	endings, lost := 0, 0
	for round := range rounds(t) {
		require.NoError(t, l.crash(t, p, func(*os.Process) { s.kill() }), "the process ends when its store fails")
		s.start(t)
		store, err := engines["Redis"].open(t.Context(), p)
		require.NoError(t, err)
		f, err := l.settle(t.Context(), store)
		require.NoError(t, err, "round %d", round)
		endings, lost = endings+len(f.ended), lost+f.lost
		require.NoError(t, store.Release(t.Context(), f.leased...))
		require.NoError(t, store.close())
		l.close(f, nil)
	}
	l.verifyOld(t, p)
	t.Logf("%d rounds: %d sign-ins begun, %d confirmed, %d of the rest not made; %d endings confirmed, %d found; %d deliveries confirmed",
		rounds(t), len(l.said[starting]), len(l.said[started]), lost, len(l.said[ended]), endings, len(l.said[delivered]))
}
