// Package databases has the stores that outlive the process. A session and its
// ending do so in all of them.
package databases

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/mooring-go/mooring/examples/webapp/internal/storage"
	"github.com/mooring-go/mooring/session/redisstore"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// All are the kinds of store of this package.
var All = []storage.Kind{
	{Name: "sqlite", Open: openSQLite},
	{Name: "postgres", Open: openPostgreSQL},
	{Name: "mysql", Open: openMySQL},
	{Name: "redis", Open: openRedis},
}

func openSQLite(ctx context.Context, s storage.Settings) (storage.Storage, error) {
	file, dsn, err := sqliteFile(s.DSN)
	if err != nil {
		return storage.Storage{}, err
	}
	return openSQL(ctx, "sqlite", dsn, sqlstore.Config{Dialect: sqlstore.SQLite, Table: s.Table}, "in SQLite: "+file)
}

func openPostgreSQL(ctx context.Context, s storage.Settings) (storage.Storage, error) {
	dsn := cmp.Or(s.DSN, "postgres://postgres@localhost:5432/postgres?sslmode=disable")
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return storage.Storage{}, storage.ErrDSN
	}
	place := fmt.Sprintf("in PostgreSQL: %s:%d, database %s", config.Host, config.Port, config.Database)
	return openSQL(ctx, "pgx", dsn, sqlstore.Config{Dialect: sqlstore.PostgreSQL, Table: s.Table, Listen: listen(config)}, place)
}

func openMySQL(ctx context.Context, s storage.Settings) (storage.Storage, error) {
	dsn := cmp.Or(s.DSN, "root@tcp(localhost:3306)/test")
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		return storage.Storage{}, storage.ErrDSN
	}
	place := fmt.Sprintf("in MySQL or MariaDB: %s, database %s", config.Addr, config.DBName)
	return openSQL(ctx, "mysql", dsn, sqlstore.Config{Dialect: sqlstore.MySQL, Table: s.Table}, place)
}

// openSQL opens a database, and makes the tables that are missing. A host that
// runs migrations of its own applies sqlstore.Schema instead.
func openSQL(ctx context.Context, driver, dsn string, config sqlstore.Config, place string) (storage.Storage, error) {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return storage.Storage{}, storage.ErrDSN
	}
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	store, err := sqlstore.New(db, config)
	if err == nil {
		err = store.Migrate(ctx)
	}
	if err != nil {
		return storage.Storage{}, errors.Join(err, db.Close())
	}
	return storage.Storage{Store: store, Place: place, Close: func() error { return errors.Join(store.Close(), db.Close()) }}, nil
}

func openRedis(ctx context.Context, s storage.Settings) (storage.Storage, error) {
	options, err := redis.ParseURL(cmp.Or(s.DSN, "redis://localhost:6379/0"))
	if err != nil {
		return storage.Storage{}, storage.ErrDSN
	}
	options.ContextTimeoutEnabled = true // a request does not wait for a server that hangs
	client := redis.NewClient(options)
	store, err := redisstore.New(client, redisstore.Config{Prefix: s.Table})
	if err == nil {
		err = client.Ping(ctx).Err()
	}
	if err != nil {
		return storage.Storage{}, errors.Join(err, client.Close())
	}
	place := fmt.Sprintf("in Redis: %s, database %d", options.Addr, options.DB)
	return storage.Storage{Store: store, Place: place, Close: client.Close}, nil
}
