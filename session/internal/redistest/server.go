// Package redistest runs Redis servers for tests: one, a master with its replica and a
// Sentinel, or a Cluster. It has no client but [Do].
package redistest

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session/internal/porttest"
)

// Missing skips the test, or fails it where servers are required.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("MOORING_REQUIRE_SERVERS") == "1" {
		t.Fatalf("missing: %s", what)
	}
	t.Skipf("missing: %s", what)
}

// Shared returns the address of the server that the environment names.
func Shared(t testing.TB) string {
	t.Helper()
	addr := cmp.Or(os.Getenv("MOORING_REDIS_ADDR"), "127.0.0.1:6379")
	if _, err := Do(addr, "PING"); err != nil {
		Missing(t, fmt.Sprintf("a Redis server at %s (MOORING_REDIS_ADDR): %v", addr, err))
	}
	return addr
}

// A Server is a redis-server of the test's own.
type Server struct {
	Addr string
	Port int
	args []string
	bus  int // of a Cluster's node
	run  *exec.Cmd
}

// Run starts a server with further arguments, stopped when the test is over.
func Run(t testing.TB, args ...string) *Server {
	t.Helper()
	s := &Server{Port: porttest.Free(t)}
	s.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port))
	s.args = append([]string{"--port", strconv.Itoa(s.Port), "--bind", "127.0.0.1", "--dir", t.TempDir(), "--save", ""}, args...)
	s.Start(t)
	t.Cleanup(s.Stop)
	return s
}

// Start starts the server, and waits until it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		Missing(t, "the binary redis-server")
	}
	s.run = exec.Command(binary, s.args...)
	require.NoError(t, s.run.Start())
	Until(t, "the server to answer", func() bool {
		_, err := Do(s.Addr, "PING")
		return err == nil
	})
}

// Stop kills the server.
func (s *Server) Stop() {
	_ = s.run.Process.Kill()
	_ = s.run.Wait()
}

// Hang has the server do nothing, with its connections open, until Resume.
func (s *Server) Hang(t testing.TB) {
	t.Helper()
	require.NoError(t, s.run.Process.Signal(syscall.SIGSTOP))
}

// Resume has the server go on.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	require.NoError(t, s.run.Process.Signal(syscall.SIGCONT))
}

// Do sends a command that the server must not refuse, and returns its reply.
func (s *Server) Do(t testing.TB, words ...any) any {
	t.Helper()
	reply, err := Do(s.Addr, words...)
	require.NoError(t, err, "%v", words)
	return reply
}

// Info returns a section of the server's INFO.
func (s *Server) Info(t testing.TB, section string) string {
	t.Helper()
	return s.Do(t, "INFO", section).(string)
}

// Until waits for what another process does. A Sentinel that finds that it was stopped for
// two seconds does nothing for another 30 (TILT mode), and then begins.
func Until(t testing.TB, what string, done func() bool) {
	t.Helper()
	require.Eventually(t, done, 2*time.Minute, 20*time.Millisecond, "waiting for %s", what)
}
