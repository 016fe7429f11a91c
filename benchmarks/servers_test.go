package benchmarks

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session/redisstore"
	"github.com/mooring-go/mooring/session/rueidisstore"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// connections is how many there are to a server at the most.
const connections = 32

// missing skips the test, or fails it where servers are required.
func missing(tb testing.TB, what string, err error) {
	tb.Helper()
	if os.Getenv("MOORING_REQUIRE_SERVERS") == "1" {
		tb.Fatalf("missing: %s: %v", what, err)
	}
	tb.Skipf("missing: %s: %v", what, err)
}

// redisServer runs a server of the test's own, whose counters count nobody
// else's commands, and returns its address.
func redisServer(tb testing.TB) string {
	tb.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		missing(tb, "redis-server", err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	addr := free.Addr().String()
	require.NoError(tb, free.Close())
	_, port, _ := net.SplitHostPort(addr)
	server := exec.Command(program, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", tb.TempDir())
	require.NoError(tb, server.Start())
	tb.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer func() { _ = client.Close() }()
	require.Eventually(tb, func() bool { return client.Ping(tb.Context()).Err() == nil }, time.Minute, 10*time.Millisecond)
	return addr
}

func redisClient(tb testing.TB, addr string) *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: addr, PoolSize: connections, ContextTimeoutEnabled: true})
	tb.Cleanup(func() { _ = client.Close() })
	return client
}

func redisStore(tb testing.TB, client *redis.Client) *redisstore.Store {
	store, err := redisstore.New(client, redisstore.Config{})
	require.NoError(tb, err)
	return store
}

// rueidisClient returns a client with its default options, but for the cache.
func rueidisClient(tb testing.TB, addr string) rueidis.Client {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{addr}, DisableCache: true})
	require.NoError(tb, err)
	tb.Cleanup(client.Close)
	return client
}

// rueidisStore returns a store whose client waits so long for more commands before it
// writes.
func rueidisStore(tb testing.TB, addr string, flushDelay time.Duration) *rueidisstore.Store {
	client, err := rueidisstore.Dial(rueidis.ClientOption{InitAddress: []string{addr}, MaxFlushDelay: flushDelay})
	require.NoError(tb, err)
	tb.Cleanup(client.Close)
	store, err := rueidisstore.New(client, rueidisstore.Config{})
	require.NoError(tb, err)
	return store
}

// postgres returns a configuration of a schema of the test's own, which is dropped in
// the end.
func postgres(tb testing.TB) *pgxpool.Config {
	tb.Helper()
	dsn := cmp.Or(os.Getenv("MOORING_POSTGRES_DSN"), "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable")
	conn, err := pgx.Connect(tb.Context(), dsn)
	if err != nil {
		missing(tb, "PostgreSQL (MOORING_POSTGRES_DSN)", err)
	}
	schema := "bench_" + strings.ToLower(rand.Text())
	_, err = conn.Exec(tb.Context(), "CREATE SCHEMA "+schema)
	require.NoError(tb, err)
	tb.Cleanup(func() {
		ctx := context.WithoutCancel(tb.Context())
		_, err := conn.Exec(ctx, "DROP SCHEMA "+schema+" CASCADE")
		require.NoError(tb, err)
		_ = conn.Close(ctx)
	})
	config, err := pgxpool.ParseConfig(dsn)
	require.NoError(tb, err)
	config.MaxConns = connections
	config.ConnConfig.RuntimeParams["search_path"] = schema
	return config
}

func pgxPool(tb testing.TB, config *pgxpool.Config) *pgxpool.Pool {
	pool, err := pgxpool.NewWithConfig(tb.Context(), config)
	require.NoError(tb, err)
	tb.Cleanup(pool.Close)
	return pool
}

// database/sql over the same driver.
func sqlDB(tb testing.TB, config *pgxpool.Config) *sql.DB {
	db := stdlib.OpenDB(*config.ConnConfig)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections) // the default is two: all others would be dialled again
	tb.Cleanup(func() { _ = db.Close() })
	return db
}

// sqlStore returns a store on the database that the configuration is of.
func sqlStore(tb testing.TB, db *sql.DB, config *pgxpool.Config) *sqlstore.Store {
	store, err := sqlstore.New(db, sqlstore.Config{Dialect: sqlstore.PostgreSQL, Listen: listen(config.ConnConfig)})
	require.NoError(tb, err)
	require.NoError(tb, store.Migrate(tb.Context()))
	tb.Cleanup(func() { _ = store.Close() })
	return store
}
