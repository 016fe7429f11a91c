package failover

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// missing skips the test, or fails it where servers are required.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("MOORING_REQUIRE_SERVERS") == "1" {
		t.Fatalf("missing: %s", what)
	}
	t.Skipf("missing: %s", what)
}

// long reports whether the tests are to wait for the timeouts that servers have by
// default.
func long() bool { return os.Getenv("MOORING_LONG") == "1" }

// program returns the path of a binary. Where that is missing, the test is over.
func program(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range []string{"", "/usr/sbin", "/usr/local/sbin"} { // not in the path of each user
		if binary, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return binary
		}
	}
	missing(t, "the binary "+name)
	return ""
}

// A process is a server of the test's own.
type process struct {
	command *exec.Cmd
	ended   chan struct{}
	log     string
}

// run starts a server as the user, or as the test's own if that is nil. The server is
// killed when the test is over.
func run(t *testing.T, as *syscall.Credential, binary string, args ...string) *process {
	t.Helper()
	p := &process{command: exec.Command(binary, args...), ended: make(chan struct{})}
	log, err := os.CreateTemp(t.TempDir(), "log-")
	require.NoError(t, err)
	p.log = log.Name()
	p.command.Stdout, p.command.Stderr, p.command.Dir = log, log, os.TempDir()
	// What the server starts is in its group, and is killed with it.
	p.command.SysProcAttr = &syscall.SysProcAttr{Credential: as, Setpgid: true}
	require.NoError(t, p.command.Start())
	go func() {
		_ = p.command.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.kill()
		said, _ := os.ReadFile(p.log)
		_ = log.Close()
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(binary), said[max(0, len(said)-2000):])
		}
	})
	return p
}

// signal sends the signal to the server and to what it has started.
func (p *process) signal(s syscall.Signal) { _ = syscall.Kill(-p.command.Process.Pid, s) }

// kill ends the server, and what it has started, with SIGKILL.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// unprivileged returns who runs a server that refuses to run as root, the user of the
// name or nobody; nil if the test is not run as root.
func unprivileged(t *testing.T, name string) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	who, err := user.Lookup(name)
	if err != nil {
		who, err = user.Lookup("nobody")
	}
	require.NoError(t, err)
	uid, err := strconv.Atoi(who.Uid)
	require.NoError(t, err)
	gid, err := strconv.Atoi(who.Gid)
	require.NoError(t, err)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// directory returns a new directory of that user, removed when the test is over.
// t.TempDir is closed to other users.
func directory(t *testing.T, as *syscall.Credential) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "mooring-failover-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if as != nil {
		require.NoError(t, os.Chown(dir, int(as.Uid), int(as.Gid)))
	}
	return dir
}

// execute runs a program to its end, as the user.
func execute(t *testing.T, as *syscall.Credential, binary string, args ...string) {
	t.Helper()
	command := exec.Command(binary, args...)
	command.Dir = os.TempDir()
	command.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	said, err := command.CombinedOutput()
	require.NoError(t, err, "%s %s: %s", binary, strings.Join(args, " "), said)
}

// until waits for what another process does. A Sentinel that finds that it was stopped for
// two seconds does nothing for another 30 (TILT mode), and then begins.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	patience := 2 * time.Minute
	if long() {
		patience = 10 * time.Minute
	}
	require.Eventually(t, done, patience, 10*time.Millisecond, "waiting for %s", what)
}
