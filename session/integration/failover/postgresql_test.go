package failover

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session/internal/porttest"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// A postgres is a PostgreSQL server with a directory of its own.
type postgres struct {
	*process
	addr string
	db   *sql.DB // for the test itself
}

func postgresDSN(addr string) string {
	return "postgres://postgres@" + addr + "/postgres?sslmode=disable"
}

// primary reports whether the server answers and is one.
func (p *postgres) primary() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var standby bool
	return p.db.QueryRowContext(ctx, "SELECT pg_is_in_recovery()").Scan(&standby) == nil && !standby
}

func (p *postgres) backend(name string) backend { return backend{name, p.addr, p.primary} }

func (p *postgres) exec(t *testing.T, query string) {
	t.Helper()
	_, err := p.db.ExecContext(t.Context(), query)
	require.NoError(t, err, query)
}

// startPostgres starts a server on a directory that is there.
func startPostgres(t *testing.T, as *syscall.Credential, binary, data string) *postgres {
	t.Helper()
	port := strconv.Itoa(porttest.Free(t))
	p := &postgres{addr: net.JoinHostPort("127.0.0.1", port)}
	p.process = run(t, as, binary, "-D", data, "-p", port,
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off", // no machine fails here
		"-c", "wal_retrieve_retry_interval=100ms", "-c", "shared_buffers=32MB")
	var err error
	p.db, err = sql.Open("pgx", postgresDSN(p.addr))
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.db.Close() })
	until(t, "PostgreSQL to answer", func() bool { return p.db.PingContext(t.Context()) == nil })
	return p
}

// A pair is a primary, its standby, and how the standby reaches it.
type pair struct {
	primary, standby *postgres
	replication      *wire
}

// postgresPair starts a primary and a standby that follows it: where it is to be
// synchronous, nothing is confirmed before the standby has applied it.
func postgresPair(t *testing.T, synchronous bool) pair {
	t.Helper()
	name := "postgres"
	if found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres"); err == nil && len(found) > 0 {
		name = found[len(found)-1] // Debian has it in no path
	}
	binary, err := filepath.EvalSymlinks(program(t, name))
	require.NoError(t, err)
	tool := func(name string) string { return filepath.Join(filepath.Dir(binary), name) }
	as := unprivileged(t, "postgres")
	dir := directory(t, as)
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	copied(t, as, "postgresql", first, func(path string) {
		execute(t, as, tool("initdb"), "--pgdata="+path, "--username=postgres", "--auth=trust", "--no-sync", "--no-instructions")
	})

	p := pair{primary: startPostgres(t, as, binary, first)}
	p.replication = newWire(t, p.primary.addr)
	execute(t, as, tool("pg_basebackup"), "--pgdata="+second, "--host=127.0.0.1", "--port="+portOf(p.primary.addr),
		"--username=postgres", "--checkpoint=fast", "--no-sync", "--wal-method=stream")
	require.NoError(t, os.WriteFile(filepath.Join(second, "standby.signal"), nil, 0o600))
	if as != nil {
		require.NoError(t, os.Chown(filepath.Join(second, "standby.signal"), int(as.Uid), int(as.Gid)))
	}
	settings, err := os.OpenFile(filepath.Join(second, "postgresql.auto.conf"), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = fmt.Fprintf(settings, "primary_conninfo = 'host=127.0.0.1 port=%s user=postgres application_name=standby'\n", p.replication.port())
	require.NoError(t, err)
	require.NoError(t, settings.Close())
	p.standby = startPostgres(t, as, binary, second)
	if synchronous {
		p.primary.exec(t, "ALTER SYSTEM SET synchronous_commit = 'remote_apply'")
		p.primary.exec(t, "ALTER SYSTEM SET synchronous_standby_names = 'standby'")
		p.primary.exec(t, "SELECT pg_reload_conf()")
	}
	until(t, "the standby to follow", func() bool {
		var state string
		err := p.primary.db.QueryRowContext(t.Context(), "SELECT state || ' ' || sync_state FROM pg_stat_replication").Scan(&state)
		want := "streaming async"
		if synchronous {
			want = "streaming sync"
		}
		return err == nil && state == want
	})
	return p
}

func portOf(addr string) string { return addr[strings.LastIndex(addr, ":")+1:] }

// promote makes the standby the primary.
func (p pair) promote(t *testing.T) {
	t.Helper()
	p.standby.exec(t, "SELECT pg_promote()")
}

// inPostgres returns a store that reaches its server at the address, with tables of
// that name, which it makes.
func inPostgres(t *testing.T, addr, options, table string) *sqlstore.Store {
	t.Helper()
	db := openPostgres(t, addr, options)
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	store, err := sqlstore.New(db, sqlstore.Config{Dialect: sqlstore.PostgreSQL, Table: table, Listen: func(ctx context.Context) (sqlstore.Listener, error) {
		conn, err := pgx.Connect(ctx, postgresDSN(addr))
		return connection{conn}, err
	}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	require.NoError(t, store.Migrate(t.Context()))
	return store
}

func openPostgres(t *testing.T, addr, options string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", postgresDSN(addr)+options)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// A connection is one of pgx that listens.
type connection struct{ *pgx.Conn }

func (c connection) Exec(ctx context.Context, query string) error {
	_, err := c.Conn.Exec(ctx, query)
	return err
}

func (c connection) Wait(ctx context.Context) (channel, payload string, err error) {
	n, err := c.WaitForNotification(ctx)
	if err != nil {
		return "", "", err
	}
	return n.Channel, n.Payload, nil
}

func newTable() string { return "mooring_" + strings.ToLower(rand.Text()[:12]) }

// The primary dies and the standby takes over, behind HAProxy, and behind PgBouncer in
// front of that. With a synchronous standby no session lives again that had ended.
func TestPostgreSQLFailsOver(t *testing.T) {
	t.Parallel()
	p := postgresPair(t, true)
	proxy := haproxy(t, true, p.primary.backend("first"), p.standby.backend("second"))
	table := newTable()
	direct := inPostgres(t, proxy, "", table)
	cache := listen(t, inPostgres(t, proxy, "", table))
	hosts := map[string]*host{"HAProxy": use(t, direct)}
	retry := "server_login_retry = 1"
	if long() {
		retry = "" // 15 by default
	}
	for _, mode := range []string{"session", "transaction"} {
		pooler := pgbouncer(t, mode, proxy, retry)
		hosts["PgBouncer in "+mode+" mode"] = use(t, inPostgres(t, pooler, "&default_query_exec_mode=exec", table))
	}
	for _, h := range hosts {
		h.busy(t, 50)
	}
	p.primary.kill()
	killed := time.Now()
	p.promote(t)
	t.Logf("promoted after %d ms", time.Since(killed).Milliseconds())
	for what, h := range hosts {
		h.recovers(t, what)
		require.Zero(t, h.undone(t), "%s: of %d endings", what, len(h.confirmed()))
	}
	cache.recovers(t, killed, direct)
}

// What a standby had not received is undone when it takes over, endings among it. With a
// synchronous one, that is what nobody was told to be done.
func TestPostgreSQLStandbyIsBehind(t *testing.T) {
	t.Parallel()
	for name, synchronous := range map[string]bool{"synchronous": true, "asynchronous": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := postgresPair(t, synchronous)
			proxy := haproxy(t, true, p.primary.backend("first"), p.standby.backend("second"))
			store := inPostgres(t, proxy, "", newTable())
			id := started(t, store, "ada")
			until(t, "the standby to have it", func() bool {
				var behind bool
				err := p.primary.db.QueryRowContext(t.Context(), "SELECT pg_current_wal_lsn() > replay_lsn FROM pg_stat_replication").Scan(&behind)
				return err == nil && !behind
			})
			p.replication.cut()
			ctx := t.Context()
			if synchronous { // it would wait for ever
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 500*time.Millisecond)
				defer cancel()
			}
			_, err := store.End(ctx, id, newEnding())
			if synchronous {
				require.ErrorIs(t, err, context.DeadlineExceeded, "it is not confirmed")
			} else {
				require.NoError(t, err, "it is confirmed")
				require.False(t, lives(t, store, id))
			}
			p.primary.kill()
			p.promote(t)
			until(t, "the store", func() bool { _, err := store.List(t.Context(), "ada"); return err == nil })
			require.True(t, lives(t, store, id), "it is undone")

			// Who knows that a session had ended ends it again.
			_, err = store.End(t.Context(), id, newEnding())
			require.NoError(t, err)
			require.False(t, lives(t, store, id))
		})
	}
}

// A primary that was replaced and goes on shows what ended since as live to who is still
// connected to it. HAProxy has to cut connections to it, which it does not by default.
func TestPostgreSQLReplacedPrimaryLives(t *testing.T) {
	t.Parallel()
	p := postgresPair(t, false)
	replaced := make(chan struct{})
	first := p.primary.backend("first")
	first.primary = func() bool {
		select {
		case <-replaced: // as Patroni says that no longer holds the leader's key
			return false
		default:
			return p.primary.primary()
		}
	}
	table := newTable()
	cutting := inPostgres(t, haproxy(t, true, first, p.standby.backend("second")), "", table)
	lenient := inPostgres(t, haproxy(t, false, first, p.standby.backend("second")), "", table)
	id := started(t, cutting, "ada")
	require.True(t, lives(t, lenient, id))
	until(t, "the standby to have it", func() bool {
		var n int
		err := p.standby.db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n)
		return err == nil && n == 1
	})
	p.replication.cut()
	p.promote(t)
	close(replaced)
	until(t, "the standby to take over", p.standby.primary)
	_, err := inPostgres(t, p.standby.addr, "", table).End(t.Context(), id, newEnding())
	require.NoError(t, err)
	ended := time.Now()
	until(t, "the connections to be cut", func() bool { return !lives(t, cutting, id) })
	t.Logf("the ending is seen after %d ms", time.Since(ended).Milliseconds())
	require.True(t, lives(t, lenient, id), "its connections go on")
}

// A proxy that spreads connections over all servers leads to a standby, too. What is read
// there is not believed.
func TestPostgreSQLReadsOfAStandby(t *testing.T) {
	t.Parallel()
	p := postgresPair(t, false)
	table := newTable()
	direct := inPostgres(t, p.primary.addr, "", table)
	gone := started(t, direct, "ada")
	until(t, "the standby to have it", func() bool {
		var n int
		err := p.standby.db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n)
		return err == nil && n == 1
	})
	p.replication.cut()
	_, err := direct.End(t.Context(), gone, newEnding())
	require.NoError(t, err)
	there := started(t, direct, "ada")
	both := postgresDSN(spread(t, p.primary.backend("first"), p.standby.backend("second")))
	for _, driver := range []string{"pgx", "postgres"} {
		db, err := sql.Open(driver, both)
		require.NoError(t, err)
		readsOfAReplica(t, db, sqlstore.PostgreSQL, table, gone, there)
		require.NoError(t, db.Close())
	}

	only, err := sqlstore.New(openPostgres(t, p.standby.addr, ""), sqlstore.Config{Dialect: sqlstore.PostgreSQL, Table: table})
	require.NoError(t, err)
	_, err = only.Get(t.Context(), gone)
	require.ErrorIs(t, err, sqlstore.ErrSettings)
}
