package failover

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log"
	"net"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/porttest"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// The driver writes of each lost connection to the standard error.
func init() { _ = mysql.SetLogger(log.New(io.Discard, "", 0)) }

// A mariadb is a MariaDB server with a directory of its own.
type mariadb struct {
	*process
	addr string
	db   *sql.DB // for the test itself
}

// mariadbDSN is of a user who may not write where read_only is on, as root may.
func mariadbDSN(addr string) string { return "app@tcp(" + addr + ")/test" }

// primary reports whether the server answers and can be written to.
func (m *mariadb) primary() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var readOnly bool
	return m.db.QueryRowContext(ctx, "SELECT @@read_only").Scan(&readOnly) == nil && !readOnly
}

func (m *mariadb) backend(name string) backend { return backend{name, m.addr, m.primary} }

func (m *mariadb) exec(t *testing.T, query string) {
	t.Helper()
	_, err := m.db.ExecContext(t.Context(), query)
	require.NoError(t, err, query)
}

// status returns a variable of the server's status.
func (m *mariadb) status(t *testing.T, name string) string {
	t.Helper()
	var ignored, value string
	require.NoError(t, m.db.QueryRowContext(t.Context(), "SHOW GLOBAL STATUS LIKE '"+name+"'").Scan(&ignored, &value))
	return value
}

// startMariaDB starts a server with the number on a new directory.
func startMariaDB(t *testing.T, number int) *mariadb {
	t.Helper()
	binary, install := program(t, "mariadbd"), program(t, "mariadb-install-db")
	as := unprivileged(t, "mysql")
	dir := directory(t, as)
	data := filepath.Join(dir, "data")
	small := "--innodb-log-file-size=8M"
	copied(t, as, "mariadb", data, func(path string) {
		execute(t, as, install, "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", "--datadir="+path, small)
	})
	port := strconv.Itoa(porttest.Free(t))
	m := &mariadb{addr: net.JoinHostPort("127.0.0.1", port)}
	m.process = run(t, as, binary, "--no-defaults", "--datadir="+data, "--socket="+filepath.Join(dir, "socket"),
		"--pid-file="+filepath.Join(dir, "pid"), "--bind-address=127.0.0.1", "--port="+port, small,
		fmt.Sprint("--server-id=", number), "--log-bin="+filepath.Join(data, "log"), "--binlog-format=ROW", "--log-slave-updates",
		"--gtid-strict-mode=ON", "--innodb-flush-log-at-trx-commit=2") // no machine fails here
	var err error
	m.db, err = sql.Open("mysql", "root@tcp("+m.addr+")/")
	require.NoError(t, err)
	t.Cleanup(func() { _ = m.db.Close() })
	until(t, "MariaDB to answer", func() bool { return m.db.PingContext(t.Context()) == nil })
	return m
}

// A mariadbPair is a primary and its replica.
type mariadbPair struct{ primary, replica *mariadb }

// startMariaDBPair starts a primary and a replica that follows it. Where it is to be
// semi-synchronous, nothing is confirmed before the replica has received it.
func startMariaDBPair(t *testing.T, semiSynchronous bool) mariadbPair {
	t.Helper()
	p := mariadbPair{startMariaDB(t, 1), startMariaDB(t, 2)}
	for _, m := range []*mariadb{p.primary, p.replica} {
		m.exec(t, "RESET MASTER") // of what made the directory
	}
	p.primary.exec(t, "CREATE DATABASE IF NOT EXISTS test")
	p.primary.exec(t, "CREATE USER app@localhost")
	p.primary.exec(t, "GRANT ALL ON test.* TO app@localhost")
	if semiSynchronous {
		p.primary.exec(t, "SET GLOBAL rpl_semi_sync_master_enabled = ON")
		p.primary.exec(t, "SET GLOBAL rpl_semi_sync_master_timeout = 3600000") // never goes on without
		p.primary.exec(t, "SET GLOBAL rpl_semi_sync_master_wait_point = 'AFTER_SYNC'")
		p.replica.exec(t, "SET GLOBAL rpl_semi_sync_slave_enabled = ON")
	}
	p.replica.exec(t, "SET GLOBAL read_only = ON")
	_, port, err := net.SplitHostPort(p.primary.addr)
	require.NoError(t, err)
	p.replica.exec(t, "CHANGE MASTER TO master_host = '127.0.0.1', master_port = "+port+
		", master_user = 'root', master_use_gtid = slave_pos, master_connect_retry = 1")
	p.replica.exec(t, "START SLAVE")
	until(t, "the replica to follow", func() bool {
		var n int
		return p.replica.db.QueryRowContext(t.Context(), "SELECT 1 FROM information_schema.schemata WHERE schema_name = 'test'").Scan(&n) == nil
	})
	if semiSynchronous {
		until(t, "the replica to be waited for", func() bool { return p.primary.status(t, "Rpl_semi_sync_master_clients") == "1" })
	}
	return p
}

// follows waits until the replica has what the primary has now.
func (p mariadbPair) follows(t *testing.T) {
	t.Helper()
	var at string
	require.NoError(t, p.primary.db.QueryRowContext(t.Context(), "SELECT @@gtid_current_pos").Scan(&at))
	var waited int
	require.NoError(t, p.replica.db.QueryRowContext(t.Context(), "SELECT MASTER_GTID_WAIT(?, 30)", at).Scan(&waited))
	require.Zero(t, waited)
}

// promote makes the replica the primary, once it has applied all that it has received.
func (p mariadbPair) promote(t *testing.T) {
	t.Helper()
	p.replica.exec(t, "STOP SLAVE IO_THREAD")
	until(t, "the replica to apply what it has", func() bool {
		state := map[string]string{}
		rows, err := p.replica.db.QueryContext(t.Context(), "SHOW SLAVE STATUS")
		require.NoError(t, err)
		defer func() { require.NoError(t, rows.Close()) }()
		columns, err := rows.Columns()
		require.NoError(t, err)
		for rows.Next() {
			values := make([]sql.NullString, len(columns))
			into := make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			require.NoError(t, rows.Scan(into...))
			for i, name := range columns {
				state[name] = values[i].String
			}
		}
		require.NoError(t, rows.Err())
		return state["Exec_Master_Log_Pos"] == state["Read_Master_Log_Pos"] && state["Relay_Master_Log_File"] == state["Master_Log_File"]
	})
	p.replica.exec(t, "STOP SLAVE")
	p.replica.exec(t, "RESET SLAVE ALL")
	p.replica.exec(t, "SET GLOBAL read_only = OFF")
}

// inMariaDB returns a store that reaches its server at the address, with tables of that
// name, which it makes.
func inMariaDB(t *testing.T, addr, table string) *sqlstore.Store {
	t.Helper()
	db := openMariaDB(t, addr)
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	store, err := sqlstore.New(db, sqlstore.Config{Dialect: sqlstore.MySQL, Table: table})
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	require.NoError(t, store.Migrate(t.Context()))
	return store
}

func openMariaDB(t *testing.T, addr string) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", mariadbDSN(addr))
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// The primary dies and the replica takes over, behind HAProxy. With a semi-synchronous
// one no session lives again that had ended.
func TestMariaDBFailsOver(t *testing.T) {
	t.Parallel()
	p := startMariaDBPair(t, true)
	proxy := haproxy(t, true, p.primary.backend("first"), p.replica.backend("second"))
	table := newTable()
	store := inMariaDB(t, proxy, table)
	cache := listen(t, inMariaDB(t, proxy, table))
	h := use(t, store)
	h.busy(t, 50)
	p.primary.kill()
	killed := time.Now()
	p.promote(t)
	t.Logf("promoted after %d ms", time.Since(killed).Milliseconds())
	h.recovers(t, "HAProxy")
	require.Zero(t, h.undone(t), "of %d endings", len(h.confirmed()))
	cache.recovers(t, killed, store)
}

// What a replica had not received is undone when it takes over, endings among it. Until
// then what is read there is not believed.
func TestMariaDBReplicaIsBehind(t *testing.T) {
	t.Parallel()
	p := startMariaDBPair(t, false)
	proxy := haproxy(t, true, p.primary.backend("first"), p.replica.backend("second"))
	table := newTable()
	store := inMariaDB(t, proxy, table)
	gone := started(t, store, "ada")
	p.follows(t)
	p.replica.exec(t, "STOP SLAVE IO_THREAD")
	_, err := store.End(t.Context(), gone, newEnding())
	require.NoError(t, err, "it is confirmed")
	there := started(t, store, "ada")
	require.False(t, lives(t, store, gone))

	readsOfAReplica(t, openMariaDB(t, spread(t, p.primary.backend("first"), p.replica.backend("second"))), sqlstore.MySQL, table, gone, there)
	only, err := sqlstore.New(openMariaDB(t, p.replica.addr), sqlstore.Config{Dialect: sqlstore.MySQL, Table: table})
	require.NoError(t, err)
	_, err = only.Get(t.Context(), gone)
	require.ErrorIs(t, err, sqlstore.ErrSettings)

	p.primary.kill()
	p.promote(t)
	until(t, "the store", func() bool { _, err := store.List(t.Context(), "ada"); return err == nil })
	require.True(t, lives(t, store, gone), "it is undone")
	require.False(t, lives(t, store, there))

	// Who knows that a session had ended ends it again.
	_, err = store.End(t.Context(), gone, newEnding())
	require.NoError(t, err)
	require.False(t, lives(t, store, gone))
}

// A primary that is made a replica keeps its connections. What is read by them is not
// believed, and the store goes on with others.
func TestMariaDBSwitchesOver(t *testing.T) {
	t.Parallel()
	p := startMariaDBPair(t, false)
	// It leads new connections to the new primary, and lets others be.
	proxy := haproxy(t, false, p.primary.backend("first"), p.replica.backend("second"))
	table := newTable()
	store, ending := inMariaDB(t, proxy, table), inMariaDB(t, proxy, table)
	id := started(t, store, "ada")
	require.True(t, lives(t, store, id))
	p.primary.exec(t, "SET GLOBAL read_only = ON")
	p.follows(t)
	p.promote(t)
	var err error
	until(t, "the ending on the new primary", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), session.DefaultStoreTimeout)
		defer cancel()
		_, err = ending.End(ctx, id, newEnding())
		return err == nil
	})
	// Its connections were to the old one, to which the proxy may lead new ones for a moment.
	until(t, "the store to leave the old one", func() bool {
		_, err := store.Get(t.Context(), id)
		require.Error(t, err, "it has ended")
		return isEnded(session.Session{}, err) == nil
	})
}
