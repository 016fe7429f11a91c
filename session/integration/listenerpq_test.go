package integration

import (
	"context"

	"github.com/lib/pq"

	"github.com/mooring-go/mooring/session/sqlstore"
)

// A pqListener is a connection of lib/pq that listens.
type pqListener struct {
	conn  *pq.ListenerConn
	heard <-chan *pq.Notification // closed with the connection
	early []*pq.Notification      // which came during Exec
}

// listenPQ returns what connects listeners of lib/pq to the DSN, which limits the time
// for that by its connect_timeout: lib/pq takes no context.
func listenPQ(dsn string) func(context.Context) (sqlstore.Listener, error) {
	return func(context.Context) (sqlstore.Listener, error) {
		heard := make(chan *pq.Notification)
		conn, err := pq.NewListenerConn(dsn, heard)
		if err != nil {
			return nil, err
		}
		return &pqListener{conn: conn, heard: heard}, nil
	}
}

func (l *pqListener) Exec(ctx context.Context, query string) error {
	done := make(chan error, 1)
	go func() {
		_, err := l.conn.ExecSimpleQuery(query)
		done <- err
	}()
	stop := context.AfterFunc(ctx, func() { _ = l.conn.Close() })
	defer stop()
	heard := l.heard
	for {
		select {
		case err := <-done:
			return err
		case n, open := <-heard: // the answer comes after it
			if !open {
				heard = nil
			} else {
				l.early = append(l.early, n)
			}
		}
	}
}

func (l *pqListener) Wait(ctx context.Context) (channel, payload string, err error) {
	if len(l.early) > 0 {
		n := l.early[0]
		l.early = l.early[1:]
		return n.Channel, n.Extra, nil
	}
	select {
	case n, open := <-l.heard:
		if !open {
			return "", "", l.conn.Err()
		}
		return n.Channel, n.Extra, nil
	case <-ctx.Done():
		return "", "", ctx.Err()
	}
}

func (l *pqListener) Close(context.Context) error {
	err := l.conn.Close()
	for range l.heard { // until its goroutine ends
	}
	return err
}
