package integration

import (
	"context"
	"fmt"
	"net"
	"net/url"
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

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/porttest"
	"github.com/mooring-go/mooring/session/sessiontest"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// pgbouncer starts PgBouncer in the mode, in front of the PostgreSQL server, and
// returns the address by which it is reached.
func pgbouncer(t *testing.T, mode string) *url.URL {
	t.Helper()
	binary, err := exec.LookPath("pgbouncer")
	if err != nil {
		missing(t, "the binary pgbouncer", err)
	}
	server, err := url.Parse(postgresDSN())
	require.NoError(t, err)
	port := strconv.Itoa(porttest.Free(t))
	dir, err := os.MkdirTemp("", "mooring-pgbouncer-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	password, set := server.User.Password()
	if set {
		password = " password='" + password + "'"
	}
	settings := filepath.Join(dir, "pgbouncer.ini")
	// Fewer servers than clients, so that a client hardly gets the same one twice.
	require.NoError(t, os.WriteFile(settings, fmt.Appendf(nil, `[databases]
%s = host=%s port=%s user=%s%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = %s
default_pool_size = 4
max_client_conn = 200
ignore_startup_parameters = extra_float_digits
log_connections = 0
log_disconnections = 0
`, strings.TrimPrefix(server.Path, "/"), server.Hostname(), server.Port(), server.User.Username(), password, port, mode), 0o644))
	command := exec.Command(binary, settings)
	if os.Geteuid() == 0 { // as whom PgBouncer refuses to run
		who, err := user.Lookup("nobody")
		require.NoError(t, err)
		uid, err := strconv.Atoi(who.Uid)
		require.NoError(t, err)
		gid, err := strconv.Atoi(who.Gid)
		require.NoError(t, err)
		require.NoError(t, os.Chmod(dir, 0o755))
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	address := net.JoinHostPort("127.0.0.1", port)
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, time.Minute, 10*time.Millisecond, "PgBouncer does not listen")
	server.Host = address
	return server
}

// pooled returns the ways by which the package documentation says that PgBouncer can
// be reached in transaction mode.
func pooled(dsn *url.URL) []engine {
	with := func(name, driver, option, value string) engine {
		u := *dsn
		query := u.Query()
		query.Set(option, value)
		u.RawQuery = query.Encode()
		return engine{name, sqlstore.PostgreSQL, driver, server(u.String), "PgBouncer", false}
	}
	return []engine{
		with("pgx, exec", "pgx", "default_query_exec_mode", "exec"),
		with("pgx, cache_describe", "pgx", "default_query_exec_mode", "cache_describe"),
		with("pgx, simple_protocol", "pgx", "default_query_exec_mode", "simple_protocol"),
		with("pq, binary_parameters", "postgres", "binary_parameters", "yes"),
	}
}

// Where servers are required, the whole contract is checked in the first way, and in
// each in the long version.
func TestPgBouncerInTransactionMode(t *testing.T) {
	dsn := pgbouncer(t, "transaction")
	for i, e := range pooled(dsn) {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			mixedLoad(t, e)
			if os.Getenv("MOORING_REQUIRE_SERVERS") != "1" || i > 0 && !long() {
				return
			}
			db := e.open(t)
			sessiontest.RunStore(t, func(t *testing.T) session.Store {
				store, _ := e.store(t, db)
				return store
			})
		})
	}
}

// What does not work behind PgBouncer says so at once.
func TestPgBouncerInStatementMode(t *testing.T) {
	for _, e := range pooled(pgbouncer(t, "statement")) {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			db := openUnchecked(t, e, e.dsn(t))
			store := e.over(t, db, "mooring_session")
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			for step, do := range steps(store, newSession("ada").ID) {
				err := do(ctx)
				require.ErrorIs(t, err, sqlstore.ErrSettings, step)
				require.ErrorContains(t, err, "the pooler is in statement mode, want transaction or session", step)
			}
		})
	}
}

// What pgx does by default needs a PgBouncer that knows of prepared statements. One
// that does not is told apart from a store that is broken.
func TestPgBouncerThatKnowsNoPreparedStatements(t *testing.T) {
	dsn := pgbouncer(t, "transaction")
	e := engine{"pgx", sqlstore.PostgreSQL, "pgx", server(dsn.String), "PgBouncer", false}
	db := e.open(t)
	store := e.over(t, db, e.table(t, e.connect(t, postgresDSN())))
	var err error
	for i := 0; i < 100 && err == nil; i++ {
		warm(t, db, 8) // more clients than servers, that all have prepared the same
		if err = store.Migrate(t.Context()); err == nil {
			_, err = store.Start(t.Context(), newSession("ada"), session.Replace{})
		}
	}
	if err == nil {
		t.Skip("this PgBouncer knows of prepared statements")
	}
	require.ErrorContains(t, err, "behind a pooler that lends connections by the transaction, see the package documentation")
	require.NotErrorIs(t, err, sqlstore.ErrSchema)
	require.NotErrorIs(t, err, sqlstore.ErrDialect)
}
