package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
	"github.com/mooring-go/mooring/session/redisstore"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// stores are what -store can be.
var stores = []string{"memory", "sqlite", "postgres", "mysql", "redis"}

// connectTime is how long a server may take to answer at the start.
const connectTime = 10 * time.Second

// storage is the store that sessions are kept in.
type storage struct {
	session.Store
	place string // where that is, for people
	close func() error
}

// openStore opens the store that the settings name. A session and its ending
// outlive the process in all of them but memory.
func openStore(ctx context.Context, s settings) (storage, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	if err := s.checkDSN(); err != nil {
		return storage{}, err
	}
	switch s.store {
	case "memory":
		return storage{memstore.New(), "in memory, until this program ends", func() error { return nil }}, nil
	case "sqlite":
		file, dsn, err := sqliteFile(s.dsn)
		if err != nil {
			return storage{}, fmt.Errorf("store sqlite: %w", err)
		}
		return openSQL(ctx, s, "sqlite", dsn, sqlstore.SQLite, "in SQLite: "+file)
	case "postgres":
		dsn := cmp.Or(s.dsn, "postgres://postgres@localhost:5432/postgres?sslmode=disable")
		config, err := pgx.ParseConfig(dsn)
		if err != nil {
			return storage{}, s.badDSN()
		}
		place := fmt.Sprintf("in PostgreSQL: %s:%d, database %s", config.Host, config.Port, config.Database)
		return openSQL(ctx, s, "pgx", dsn, sqlstore.PostgreSQL, place)
	case "mysql":
		dsn := cmp.Or(s.dsn, "root@tcp(localhost:3306)/test")
		config, err := mysql.ParseDSN(dsn)
		if err != nil {
			return storage{}, s.badDSN()
		}
		place := fmt.Sprintf("in MySQL or MariaDB: %s, database %s", config.Addr, config.DBName)
		return openSQL(ctx, s, "mysql", dsn, sqlstore.MySQL, place)
	case "redis":
		return openRedis(ctx, s)
	default:
		return storage{}, fmt.Errorf("store %q: want one of %s", s.store, strings.Join(stores, ", "))
	}
}

// openSQL opens a database, and makes the tables that are missing. A host that
// runs migrations of its own applies sqlstore.Schema instead.
func openSQL(ctx context.Context, s settings, driver, dsn string, dialect sqlstore.Dialect, place string) (storage, error) {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return storage{}, s.badDSN()
	}
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	store, err := sqlstore.New(db, sqlstore.Config{Dialect: dialect, Table: s.table})
	if err == nil {
		err = store.Migrate(ctx)
	}
	if err != nil {
		return storage{}, errors.Join(fmt.Errorf("store %s: %w", s.store, err), db.Close())
	}
	return storage{store, place, func() error { return errors.Join(store.Close(), db.Close()) }}, nil
}

func openRedis(ctx context.Context, s settings) (storage, error) {
	options, err := redis.ParseURL(cmp.Or(s.dsn, "redis://localhost:6379/0"))
	if err != nil {
		return storage{}, s.badDSN()
	}
	options.ContextTimeoutEnabled = true // a request does not wait for a server that hangs
	client := redis.NewClient(options)
	store, err := redisstore.New(client, redisstore.Config{Prefix: s.table})
	if err == nil {
		err = client.Ping(ctx).Err()
	}
	if err != nil {
		return storage{}, errors.Join(fmt.Errorf("store redis: %w", err), client.Close())
	}
	place := fmt.Sprintf("in Redis: %s, database %d", options.Addr, options.DB)
	return storage{store, place, client.Close}, nil
}
