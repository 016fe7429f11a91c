package crash

import (
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session/internal/porttest"
)

// newRedis returns a Redis server that appends each command to its file and has that
// on disk before it answers. What a crash cut off in the file is removed before the
// next start, as package redisstore says.
func newRedis(t *testing.T) *server {
	t.Helper()
	binary, checker, port, dir := program(t, "redis-server"), program(t, "redis-check-aof"), strconv.Itoa(porttest.Free(t)), t.TempDir()
	s := &server{
		engine: "Redis", address: net.JoinHostPort("127.0.0.1", port), binary: binary,
		args: []string{
			"--bind", "127.0.0.1", "--port", port, "--dir", dir, "--save", "",
			"--appendonly", "yes", "--appendfsync", "always", "--aof-load-truncated", "no",
		},
		before: func(*exec.Cmd) {
			manifest := filepath.Join(dir, "appendonlydir", "appendonly.aof.manifest")
			if _, err := os.Stat(manifest); err != nil {
				return // it never ran
			}
			check := exec.Command(checker, "--fix", manifest)
			check.Stdin = strings.NewReader("y\n")
			said, err := check.CombinedOutput()
			require.NoError(t, err, "%s", said)
		},
	}
	t.Cleanup(s.kill)
	return s
}

// newPostgreSQL returns a PostgreSQL server on a database cluster of its own, with
// the settings that it has by default.
func newPostgreSQL(t *testing.T) *server {
	t.Helper()
	name := "postgres"
	if found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres"); err == nil && len(found) > 0 {
		name = found[len(found)-1] // Debian has it in no path
	}
	binary, err := filepath.EvalSymlinks(program(t, name))
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "mooring-crash-") // t.TempDir is closed to other users
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	as := func(*exec.Cmd) {}
	if os.Geteuid() == 0 { // as whom PostgreSQL refuses to run
		as = unprivileged(t, dir)
	}
	initdb := exec.Command(filepath.Join(filepath.Dir(binary), "initdb"), "--pgdata="+filepath.Join(dir, "data"), "--username=postgres", "--auth=trust", "--no-sync")
	initdb.Dir = dir
	as(initdb)
	said, err := initdb.CombinedOutput()
	require.NoError(t, err, "%s", said)

	port := strconv.Itoa(porttest.Free(t))
	s := &server{
		engine:  "PostgreSQL",
		address: "postgres://postgres@127.0.0.1:" + port + "/postgres?sslmode=disable",
		binary:  binary,
		args: []string{"-D", filepath.Join(dir, "data"), "-p", port,
			"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="},
		before: func(command *exec.Cmd) {
			command.Dir = dir
			as(command)
		},
		killed: killChildren,
	}
	t.Cleanup(s.kill)
	return s
}

// unprivileged gives the directory to a user who may do nothing else, and
// returns how to run commands as that user.
func unprivileged(t *testing.T, dir string) func(*exec.Cmd) {
	t.Helper()
	who, err := user.Lookup("postgres")
	if err != nil {
		who, err = user.Lookup("nobody")
	}
	require.NoError(t, err)
	uid, err := strconv.Atoi(who.Uid)
	require.NoError(t, err)
	gid, err := strconv.Atoi(who.Gid)
	require.NoError(t, err)
	require.NoError(t, os.Chown(dir, uid, gid))
	return func(command *exec.Cmd) {
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
}

// killChildren kills what a server has started, where the system tells: each
// connection to PostgreSQL has a process. Elsewhere they end by themselves when
// they find the server gone.
func killChildren(pid int) {
	id := strconv.Itoa(pid)
	text, err := os.ReadFile(filepath.Join("/proc", id, "task", id, "children"))
	if err != nil {
		return
	}
	for child := range strings.FieldsSeq(string(text)) {
		if pid, err := strconv.Atoi(child); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}
