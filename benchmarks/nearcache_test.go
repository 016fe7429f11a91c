package benchmarks

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/nearcache"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// nearCache returns a cache in front of the store, which is watched until the test is
// over.
func nearCache(tb testing.TB, store session.Store) session.Store {
	cache, err := nearcache.New(store, nearcache.Config{MaxStale: nearcache.MaxMaxStale})
	require.NoError(tb, err)
	ctx, cancel := context.WithCancel(context.Background())
	connected, done := make(chan struct{}), make(chan error, 1)
	var once sync.Once
	go func() {
		done <- cache.Watch(ctx, 0, func(change session.Change) {
			if change.Kind == session.ChangeConnected {
				once.Do(func() { close(connected) })
			}
		})
	}()
	tb.Cleanup(func() {
		cancel()
		require.ErrorIs(tb, <-done, context.Canceled)
	})
	select {
	case <-connected:
	case err := <-done:
		done <- err
		require.NoError(tb, err, "watching")
	}
	return cache
}

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

// listen returns what connects listeners.
func listen(config *pgx.ConnConfig) func(context.Context) (sqlstore.Listener, error) {
	return func(ctx context.Context) (sqlstore.Listener, error) {
		conn, err := pgx.ConnectConfig(ctx, config.Copy())
		if err != nil {
			return nil, err
		}
		return listener{conn}, nil
	}
}
