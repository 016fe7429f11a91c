package crash

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/redisstore"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// A place is where a store is, in a form that another process can be told.
type place struct {
	Engine  string
	Address string
	Name    string // of the table, or the prefix of the keys
	Patient bool   // its workers go on when it fails
}

// An engine is what keeps the sessions.
type engine struct {
	what    string // what is missing if it does not answer
	address func(testing.TB) string
	open    func(context.Context, place) (opened, error)
}

// opened is a store, how to leave it and how to take away what is in it.
type opened struct {
	session.Journal
	close func() error
	drop  func(context.Context)
}

var engines = map[string]engine{
	"SQLite": {
		"SQLite",
		func(t testing.TB) string {
			return "file:" + filepath.Join(t.TempDir(), "sessions.db") + "?_pragma=busy_timeout(60000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)"
		},
		inSQL("sqlite", sqlstore.SQLite, `"`),
	},
	"PostgreSQL": {
		"PostgreSQL (MOORING_POSTGRES_DSN)",
		at("MOORING_POSTGRES_DSN", "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable"),
		inSQL("pgx", sqlstore.PostgreSQL, `"`),
	},
	"MySQL": {
		"MySQL or MariaDB (MOORING_MYSQL_DSN)",
		at("MOORING_MYSQL_DSN", "root@tcp(127.0.0.1:3306)/test"),
		inSQL("mysql", sqlstore.MySQL, "`"),
	},
	"Redis": {
		"Redis (MOORING_REDIS_ADDR)",
		at("MOORING_REDIS_ADDR", "127.0.0.1:6379"),
		inRedis,
	},
}

func at(variable, usual string) func(testing.TB) string {
	return func(testing.TB) string { return cmp.Or(os.Getenv(variable), usual) }
}

func inSQL(driver string, dialect sqlstore.Dialect, quote string) func(context.Context, place) (opened, error) {
	return func(ctx context.Context, p place) (opened, error) {
		db, err := sql.Open(driver, p.Address)
		if err != nil {
			return opened{}, err
		}
		db.SetMaxOpenConns(8)
		db.SetMaxIdleConns(8)
		config := sqlstore.Config{Dialect: dialect, Table: p.Name}
		if dialect == sqlstore.PostgreSQL {
			config.Listen = listen(p.Address)
		}
		store, err := sqlstore.New(db, config)
		if err == nil {
			err = store.Migrate(ctx)
		}
		return opened{store, db.Close, func(ctx context.Context) {
			for _, table := range []string{"", "_journal", "_queue", "_lock", "_change", "_schema"} {
				_, _ = db.ExecContext(ctx, "DROP TABLE IF EXISTS "+quote+p.Name+table+quote)
			}
		}}, err
	}
}

func inRedis(ctx context.Context, p place) (opened, error) {
	client := redis.NewClient(&redis.Options{Addr: p.Address, ContextTimeoutEnabled: true, DialerRetries: 1})
	store, err := redisstore.New(client, redisstore.Config{Prefix: p.Name})
	if err == nil {
		err = client.Ping(ctx).Err()
	}
	return opened{store, client.Close, func(ctx context.Context) {
		keys := client.Scan(ctx, 0, p.Name+"*", 1000).Iterator()
		for keys.Next(ctx) {
			_ = client.Unlink(ctx, keys.Val()).Err()
		}
	}}, err
}

// newPlace returns a store of the test's own, taken away in the end. The test is
// skipped if the server is missing, and fails where servers are required.
func newPlace(t *testing.T, name string) place {
	t.Helper()
	e := engines[name]
	p := place{Engine: name, Address: e.address(t), Name: "crash_" + strings.ToLower(rand.Text()[:12])}
	store, err := e.open(t.Context(), p)
	if err != nil && os.Getenv("MOORING_REQUIRE_SERVERS") != "1" {
		t.Skipf("missing: %s: %v", e.what, err)
	}
	require.NoError(t, err, "missing: %s", e.what)
	require.NoError(t, store.close())
	t.Cleanup(func() {
		if store, err := e.open(context.Background(), p); err == nil {
			store.drop(context.Background())
			_ = store.close()
		}
	})
	return p
}
