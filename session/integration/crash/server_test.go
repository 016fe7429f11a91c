package crash

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A server is one of the test's own, that writes all that it confirms to disk
// first. It can be killed and started again on what it has written.
type server struct {
	engine  string
	address string
	binary  string
	args    []string
	before  func(*exec.Cmd) // prepares the start; nil: nothing to prepare
	killed  func(pid int)   // ends what the server has started; nil: it starts nothing
	process *exec.Cmd
}

// program returns the path of the binary. Where that is missing, the test is over.
func program(t *testing.T, name string) string {
	t.Helper()
	binary, err := exec.LookPath(name)
	if err != nil && os.Getenv("MOORING_REQUIRE_SERVERS") != "1" {
		t.Skipf("missing: the binary %s: %v", name, err)
	}
	require.NoError(t, err, "missing: the binary %s", name)
	return binary
}

// start starts the server and waits until the store in it answers. Where the
// one before has left something running, it may take more than one attempt.
func (s *server) start(t *testing.T, p place) {
	t.Helper()
	const patience = 60 * time.Second
	for begin := time.Now(); ; {
		exited := make(chan struct{})
		s.process = exec.Command(s.binary, s.args...)
		if s.before != nil {
			s.before(s.process)
		}
		require.NoError(t, s.process.Start())
		go func(process *exec.Cmd) {
			_ = process.Wait()
			close(exited)
		}(s.process)
		for running := true; running; {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			store, err := engines[s.engine].open(ctx, p)
			cancel()
			if store.close != nil {
				_ = store.close()
			}
			if err == nil {
				return
			}
			require.Less(t, time.Since(begin), patience, "the server does not answer: %v", err)
			select {
			case <-exited:
				running = false
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
}

// kill ends the server, and all that it has started, with SIGKILL.
func (s *server) kill() {
	if s.process == nil {
		return
	}
	pid := s.process.Process.Pid
	if s.killed != nil {
		s.killed(pid)
	}
	_ = s.process.Process.Kill()
	s.process = nil
}

// The process finds its server gone in the midst of its steps. What had been
// confirmed until then must be there when the server is back.
func TestServerKilled(t *testing.T) {
	for name, open := range map[string]func(*testing.T) *server{"Redis": newRedis, "PostgreSQL": newPostgreSQL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			p := place{Engine: s.engine, Address: s.address, Name: "crash"}
			s.start(t, p)
			l := newLedger()
			for round := range rounds(t) {
				require.NoError(t, l.crash(t, p, func(*os.Process) { s.kill() }), "the process ends when its store fails")
				s.start(t, p)
				l.check(t, p, round)
			}
			l.verifyOld(t, p)
			l.log(t, rounds(t))
		})
	}
}
