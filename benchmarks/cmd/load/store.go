package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
	"github.com/mooring-go/mooring/session/redisstore"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// without is the application without a guard.
const without = "none"

// storeNames are what can be loaded.
var storeNames = []string{without, "memory", "sqlite", "postgres", "redis"}

// errMissing is of a store whose server does not answer.
var errMissing = errors.New("missing")

// connections is how many there are to a server at the most.
const connections = 32

// openStore opens a store of the run's own, and returns how to remove it.
func openStore(ctx context.Context, name string) (store session.Store, remove func(), err error) {
	switch name {
	case "memory":
		return memstore.New(), func() {}, nil
	case "sqlite":
		dir, err := os.MkdirTemp("", "mooring-load")
		if err != nil {
			return nil, nil, err
		}
		const options = "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_txlock=immediate"
		db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "sessions.db")+options)
		if err != nil {
			return nil, nil, err
		}
		store, err := inTables(ctx, db, sqlstore.Config{Dialect: sqlstore.SQLite})
		return store, func() { _ = db.Close(); _ = os.RemoveAll(dir) }, err
	case "postgres":
		return openPostgres(ctx)
	case "redis":
		return openRedis(ctx)
	default:
		return nil, nil, fmt.Errorf("store %q: want one of %s", name, strings.Join(storeNames, ", "))
	}
}

func inTables(ctx context.Context, db *sql.DB, config sqlstore.Config) (session.Store, error) {
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	store, err := sqlstore.New(db, config)
	if err != nil {
		return nil, err
	}
	return store, store.Migrate(ctx)
}

func openPostgres(ctx context.Context) (session.Store, func(), error) {
	dsn := cmp.Or(os.Getenv("MOORING_POSTGRES_DSN"), "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable")
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, nil, err
	}
	if err := db.PingContext(ctx); err != nil {
		return nil, nil, fmt.Errorf("%w: PostgreSQL (MOORING_POSTGRES_DSN): %w", errMissing, err)
	}
	schema := "load_" + strings.ToLower(rand.Text())
	if _, err := db.ExecContext(ctx, "CREATE SCHEMA "+schema); err != nil {
		return nil, nil, err
	}
	store, err := inTables(ctx, db, sqlstore.Config{Dialect: sqlstore.PostgreSQL, Table: schema + ".session"})
	return store, func() {
		_, _ = db.ExecContext(context.WithoutCancel(ctx), "DROP SCHEMA "+schema+" CASCADE")
		_ = db.Close()
	}, err
}

func openRedis(ctx context.Context) (session.Store, func(), error) {
	client := redis.NewClient(&redis.Options{
		Addr: cmp.Or(os.Getenv("MOORING_REDIS_ADDR"), "127.0.0.1:6379"), PoolSize: connections, ContextTimeoutEnabled: true,
	})
	if err := client.Ping(ctx).Err(); err != nil {
		return nil, nil, fmt.Errorf("%w: Redis (MOORING_REDIS_ADDR): %w", errMissing, err)
	}
	prefix := "load-" + rand.Text()
	store, err := redisstore.New(client, redisstore.Config{Prefix: prefix})
	return store, func() {
		ctx := context.WithoutCancel(ctx)
		for keys := client.Scan(ctx, 0, prefix+":*", 1000).Iterator(); keys.Next(ctx); {
			_ = client.Unlink(ctx, keys.Val()).Err()
		}
		_ = client.Close()
	}, err
}
