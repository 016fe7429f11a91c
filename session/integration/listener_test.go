package integration

import (
	"context"
	"database/sql"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

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

// watchable returns a store on the tables of that name that is watched by way of the DSN.
func (e engine) watchable(t testing.TB, db *sql.DB, table, dsn string) *sqlstore.Store {
	t.Helper()
	config := sqlstore.Config{Dialect: e.dialect, Table: table}
	if e.dialect == sqlstore.PostgreSQL {
		config.Listen = listen(dsn)
	}
	store, err := sqlstore.New(db, config)
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	return store
}
