package databases

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/mooring-go/mooring/session/sqlstore"
)

// A listener is a connection to PostgreSQL that hears of changes.
type listener struct{ *pgx.Conn }

// Exec executes a statement.
func (l listener) Exec(ctx context.Context, query string) error {
	_, err := l.Conn.Exec(ctx, query)
	return err
}

// Wait returns the next notification.
func (l listener) Wait(ctx context.Context) (channel, payload string, err error) {
	n, err := l.WaitForNotification(ctx)
	if err != nil {
		return "", "", err
	}
	return n.Channel, n.Payload, nil
}

// listen returns what connects a listener. The connection is one of its own, and goes
// to the server itself where the others go through a pooler.
func listen(config *pgx.ConnConfig) func(context.Context) (sqlstore.Listener, error) {
	return func(ctx context.Context) (sqlstore.Listener, error) {
		conn, err := pgx.ConnectConfig(ctx, config)
		if err != nil {
			return nil, err
		}
		return listener{conn}, nil
	}
}
