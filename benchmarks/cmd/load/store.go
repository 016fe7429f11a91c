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
)

// storeNames are what the application can be loaded on.
var storeNames = []string{"memory", "sqlite", "postgres", "redis"}

// errMissing is of a store whose server does not answer.
var errMissing = errors.New("missing")

// placeFor makes a place of the run's own in the store, and returns the
// application's flags for it and how to remove it.
func placeFor(ctx context.Context, store string) (flags []string, remove func(), err error) {
	switch store {
	case "memory":
		return []string{"-store=memory"}, func() {}, nil
	case "sqlite":
		dir, err := os.MkdirTemp("", "mooring-load")
		if err != nil {
			return nil, nil, err
		}
		return []string{"-store=sqlite", "-dsn=" + filepath.Join(dir, "sessions.db")}, func() { _ = os.RemoveAll(dir) }, nil
	case "postgres":
		return inPostgres(ctx)
	case "redis":
		return inRedis(ctx)
	default:
		return nil, nil, fmt.Errorf("store %q: want one of %s", store, strings.Join(storeNames, ", "))
	}
}

func inPostgres(ctx context.Context) ([]string, func(), error) {
	dsn := cmp.Or(os.Getenv("MOORING_POSTGRES_DSN"), "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable")
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, nil, err
	}
	if err := db.PingContext(ctx); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%w: PostgreSQL (MOORING_POSTGRES_DSN): %w", errMissing, err), db.Close())
	}
	schema := "load_" + strings.ToLower(rand.Text())
	if _, err := db.ExecContext(ctx, "CREATE SCHEMA "+schema); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return []string{"-store=postgres", "-dsn=" + dsn, "-table=" + schema + ".session"}, func() {
		_, _ = db.ExecContext(context.WithoutCancel(ctx), "DROP SCHEMA "+schema+" CASCADE")
		_ = db.Close()
	}, nil
}

func inRedis(ctx context.Context) ([]string, func(), error) {
	addr := cmp.Or(os.Getenv("MOORING_REDIS_ADDR"), "127.0.0.1:6379")
	client := redis.NewClient(&redis.Options{Addr: addr})
	if err := client.Ping(ctx).Err(); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%w: Redis (MOORING_REDIS_ADDR): %w", errMissing, err), client.Close())
	}
	prefix := "load-" + rand.Text()
	return []string{"-store=redis", "-dsn=redis://" + addr, "-table=" + prefix}, func() {
		ctx := context.WithoutCancel(ctx)
		for keys := client.Scan(ctx, 0, prefix+":*", 1000).Iterator(); keys.Next(ctx); {
			_ = client.Unlink(ctx, keys.Val()).Err()
		}
		_ = client.Close()
	}, nil
}
