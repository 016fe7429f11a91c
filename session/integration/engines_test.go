package integration

import (
	"context"
	"crypto/rand"
	"database/sql"
	"path/filepath"
	"slices"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/lib/pq"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/mooring-go/mooring/session/sqlstore"
)

// An engine is a database and the driver that it is reached by.
type engine struct {
	name    string
	dialect sqlstore.Dialect
	driver  string
	dsn     func(testing.TB) string
	what    string // what is missing if it does not answer
	option  bool   // its DSN has an option that not every server knows
}

var engines = []engine{
	{"PostgreSQL by pgx", sqlstore.PostgreSQL, "pgx", server(postgresDSN), "PostgreSQL (MOORING_POSTGRES_DSN)", false},
	{"PostgreSQL by pq", sqlstore.PostgreSQL, "postgres", server(postgresDSN), "PostgreSQL (MOORING_POSTGRES_DSN)", false},
	{"MySQL", sqlstore.MySQL, "mysql", server(mysqlDSN), "MySQL or MariaDB (MOORING_MYSQL_DSN)", false},
	{"SQLite by modernc", sqlstore.SQLite, "sqlite", file("?_pragma=busy_timeout(" + busyMilliseconds + ")&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)"), "SQLite", false},
}

// busyMilliseconds is how long a caller waits for others to have written to a file of SQLite.
// The package documentation says 5000, which does not do on a busy machine.
const busyMilliseconds = "60000"

func server(dsn func() string) func(testing.TB) string {
	return func(testing.TB) string { return dsn() }
}

func file(options string) func(testing.TB) string {
	return func(t testing.TB) string { return "file:" + filepath.Join(t.TempDir(), "sessions.db") + options }
}

// goSQLite names the driver that is SQLite translated to Go. Under the race detector
// it takes ten times as long as the C that it was translated from, and more.
const goSQLite, cSQLite = "sqlite", "sqlite3"

// eachEngine runs the test on every engine that answers.
func eachEngine(t *testing.T, test func(*testing.T, engine)) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) { test(t, e) })
	}
}

// eachDialect is eachEngine with one driver for each dialect.
func eachDialect(t *testing.T, test func(*testing.T, engine)) {
	eachEngine(t, func(t *testing.T, e engine) {
		if e.driver == "postgres" || e.driver == cSQLite {
			return
		}
		test(t, e)
	})
}

// eachHeavy is eachDialect for tests with much to do. It takes the faster driver of
// SQLite where it is compiled in, and both in the long version. The tests run in
// parallel.
func eachHeavy(t *testing.T, test func(*testing.T, engine)) {
	fast := slices.ContainsFunc(engines, func(e engine) bool { return e.driver == cSQLite })
	eachEngine(t, func(t *testing.T, e engine) {
		if e.driver == "postgres" || e.driver == goSQLite && fast && !long() {
			return
		}
		t.Parallel()
		test(t, e)
	})
}

// connect opens the DSN, and closes it when the test is over.
func (e engine) connect(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(e.driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	if err := db.PingContext(t.Context()); err != nil && e.option {
		t.Skipf("missing: %s with the options for %q: %v", e.what, e.name, err)
	}
	reachable(t, db, e.what)
	db.SetMaxOpenConns(24)
	db.SetMaxIdleConns(24)
	return db
}

// open returns a database for the test.
func (e engine) open(t testing.TB) *sql.DB {
	t.Helper()
	return e.connect(t, e.dsn(t))
}

// store returns a store with tables of its own in db, and their name.
func (e engine) store(t testing.TB, db *sql.DB) (*sqlstore.Store, string) {
	t.Helper()
	table := e.table(t, db)
	store := e.over(t, db, table)
	require.NoError(t, store.Migrate(t.Context()))
	return store, table
}

// over returns a store on the tables of that name.
func (e engine) over(t testing.TB, db *sql.DB, table string) *sqlstore.Store {
	t.Helper()
	return e.watchable(t, db, table, postgresDSN())
}

// table returns a name that nobody else uses. The tables are dropped when the test
// is over.
func (e engine) table(t testing.TB, db *sql.DB) string {
	table := "mooring_" + rand.Text()[:12]
	t.Cleanup(func() {
		for _, name := range []string{"", "_journal", "_queue", "_lock", "_change", "_schema"} {
			_, _ = db.ExecContext(context.WithoutCancel(t.Context()), "DROP TABLE IF EXISTS "+e.quote(table+name))
		}
	})
	return table
}

func (e engine) quote(name string) string {
	if e.dialect == sqlstore.MySQL {
		return "`" + name + "`"
	}
	return `"` + name + `"`
}

// openUnchecked opens a DSN at which nobody may answer.
func openUnchecked(t testing.TB, e engine, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(e.driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}
