package integration

import (
	"context"
	"database/sql"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// A listener is a connection of pgx that listens.
type listener struct{ *pgx.Conn }

func (l listener) Exec(ctx context.Context, query string) error {
	_, err := l.Conn.Exec(ctx, query)
	return err
}

func (l listener) Wait(ctx context.Context) (channel, payload string, err error) {
	n, err := l.WaitForNotification(ctx)
	if err != nil {
		return "", "", err
	}
	return n.Channel, n.Payload, nil
}

// listen returns what connects listeners to the DSN.
func listen(dsn string) func(context.Context) (sqlstore.Listener, error) {
	return func(ctx context.Context) (sqlstore.Listener, error) {
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			return nil, err
		}
		return listener{conn}, nil
	}
}

// listenPooled returns what takes listeners out of the pool.
func listenPooled(pool *pgxpool.Pool) func(context.Context) (sqlstore.Listener, error) {
	return func(ctx context.Context) (sqlstore.Listener, error) {
		conn, err := pool.Acquire(ctx)
		if err != nil {
			return nil, err
		}
		return listener{conn.Hijack()}, nil // it is the listener's to close
	}
}

// A connection that is taken out of a pool of pgx listens, and the pool is as large as
// before.
func TestWatchWithAPool(t *testing.T) {
	e := engines[0]
	db := e.open(t)
	direct, table := e.store(t, db)
	config, err := pgxpool.ParseConfig(postgresDSN())
	require.NoError(t, err)
	config.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	store, err := sqlstore.New(db, sqlstore.Config{Dialect: e.dialect, Table: table, Listen: listenPooled(pool)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	for range 2 { // two watches, of one connection each, from a pool of one
		w := watch(t, store)
		w.since(t, 0, "ChangeConnected", isKind(session.ChangeConnected))
		w.hears(t, endings(t, direct))
	}
	require.NoError(t, pool.Ping(t.Context()))
}

// watchable returns a store on the tables of that name that is watched by way of the DSN.
func (e engine) watchable(t testing.TB, db *sql.DB, table, dsn string) *sqlstore.Store {
	t.Helper()
	config := sqlstore.Config{Dialect: e.dialect, Table: table}
	switch e.driver {
	case "pgx":
		config.Listen = listen(dsn)
	case "postgres":
		config.Listen = listenPQ(dsn + "&connect_timeout=5")
	}
	store, err := sqlstore.New(db, config)
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	return store
}
