package failover

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// readsOfAReplica checks that a store some of whose connections lead to a replica that is
// behind takes nothing from there. On the replica the session gone has not ended yet, and
// the session there has not started.
func readsOfAReplica(t *testing.T, db *sql.DB, dialect sqlstore.Dialect, table string, gone, there session.ID) {
	t.Helper()
	const connections = 8
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	store, err := sqlstore.New(db, sqlstore.Config{Dialect: dialect, Table: table})
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	reads := map[string]func(context.Context) error{
		"get, ended":   func(ctx context.Context) error { return isEnded(store.Get(ctx, gone)) },
		"get, started": func(ctx context.Context) error { _, err := store.Get(ctx, there); return err },
		"end, ended":   func(ctx context.Context) error { return isEnded(store.End(ctx, gone, newEnding())) },
		"end user": func(ctx context.Context) error {
			user := rand.Text()
			if _, err := store.Start(ctx, newSession(user), session.Replace{}); err != nil {
				return err
			}
			ended, err := store.EndUser(ctx, user, session.ID{}, newEnding())
			if err == nil && len(ended) != 1 {
				err = errors.New("the session is missed")
			}
			return err
		},
		"drift": func(ctx context.Context) error {
			return store.Touch(ctx, there, session.Seen{Time: now.Add(1), Drift: session.Drift{Reported: []string{"a"}}})
		},
		"list": func(ctx context.Context) error {
			list, err := store.List(ctx, "ada")
			if err == nil && (len(list) != 1 || list[0].ID != there) {
				err = errors.New("the list is of a replica")
			}
			return err
		},
	}
	for name, read := range reads {
		for range 3 {
			spreadOver(t, db, connections)
			var running sync.WaitGroup
			for range connections {
				running.Go(func() { assert.NoError(t, read(t.Context()), name) })
			}
			running.Wait()
		}
	}
}

// spreadOver has the pool make new connections, which the proxy spreads over the servers.
func spreadOver(t *testing.T, db *sql.DB, n int) {
	t.Helper()
	db.SetMaxIdleConns(0)
	db.SetMaxIdleConns(n)
	var conns []*sql.Conn
	for range n {
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		conns = append(conns, conn)
	}
	for _, conn := range conns {
		require.NoError(t, conn.Close())
	}
}

// isEnded returns nil if the session has ended.
func isEnded(_ session.Session, err error) error {
	if _, over := errors.AsType[*session.EndedError](err); over {
		return nil
	}
	if err == nil {
		return errors.New("it lives")
	}
	return err
}
