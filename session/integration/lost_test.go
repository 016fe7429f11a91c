package integration

import (
	"database/sql"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// warm makes n connections of the pool and leaves them idle.
func warm(t *testing.T, db *sql.DB, n int) {
	t.Helper()
	var conns []*sql.Conn
	for len(conns) < n {
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		if conn.PingContext(t.Context()) == nil {
			conns = append(conns, conn)
		} else {
			_ = conn.Close() // it was cut before
		}
	}
	for _, conn := range conns {
		require.NoError(t, conn.Close())
	}
}

// A server that is restarted, or a pooler that is reloaded, closes connections
// that were used a moment ago. No step that it has not begun needs to fail.
func TestConnectionsThatTheServerClosed(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		if e.dialect == sqlstore.SQLite {
			return // it has no server
		}
		_, table := e.store(t, e.open(t))
		dsn, p := e.proxied(t)
		db := e.connect(t, dsn)
		store := e.over(t, db, table)
		for range 5 {
			s := newSession("ada")
			_, err := store.Start(t.Context(), s, session.Replace{})
			require.NoError(t, err)
			other := newSession("bob")
			_, err = store.Start(t.Context(), other, session.Replace{})
			require.NoError(t, err)
			for _, step := range []string{"get", "list", "touch", "now", "start", "end", "end user", "lease", "sweep"} {
				warm(t, db, 12)
				p.set(true) // all are cut
				p.set(false)
				err := steps(store, s.ID)[step](t.Context())
				require.NoError(t, unlessOver(err), "%s", step)
			}
			_, err = store.Get(t.Context(), other.ID)
			require.NoError(t, err)
		}
	})
}

// What the server does with one connection, it may do with all: as many requests
// as there are connections find them closed at the same time.
func TestConnectionsClosedUnderLoad(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		if e.dialect == sqlstore.SQLite {
			return
		}
		_, table := e.store(t, e.open(t))
		dsn, p := e.proxied(t)
		db := e.connect(t, dsn)
		store := e.over(t, db, table)
		s := newSession("ada")
		_, err := store.Start(t.Context(), s, session.Replace{})
		require.NoError(t, err)
		warm(t, db, 24)
		p.set(true)
		p.set(false)
		var running sync.WaitGroup
		for range 40 {
			running.Go(func() {
				_, err := store.Get(t.Context(), s.ID)
				assert.NoError(t, err)
			})
		}
		running.Wait()
	})
}

// A server that can only be read from, as one that was replaced by another, keeps
// its connections. They are given up until one leads to a server that can be
// written to.
func TestServerThatTurnsReadOnly(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		var restrict string
		switch e.driver {
		case "pgx":
			restrict = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"
		case "mysql":
			restrict = "SET SESSION TRANSACTION READ ONLY"
		default:
			return // lib/pq asks for READ WRITE with each transaction
		}
		db := e.open(t)
		const connections = 12
		db.SetMaxOpenConns(connections)
		db.SetMaxIdleConns(connections)
		store, _ := e.store(t, db)
		s := newSession("ada")
		_, err := store.Start(t.Context(), s, session.Replace{})
		require.NoError(t, err)
		for i, step := range []string{"touch", "start", "end user"} {
			warm(t, db, connections)
			var conns []*sql.Conn
			for range connections {
				conn, err := db.Conn(t.Context())
				require.NoError(t, err)
				_, err = conn.ExecContext(t.Context(), restrict)
				require.NoError(t, err)
				conns = append(conns, conn)
			}
			for _, conn := range conns {
				require.NoError(t, conn.Close())
			}
			do := steps(store, s.ID)[step]
			if step == "touch" {
				err = store.Touch(t.Context(), s.ID, session.Seen{Time: now.Add(time.Duration(i + 1)), IP: netip.MustParseAddr("192.0.2.9")})
			} else {
				err = do(t.Context())
			}
			require.NoError(t, unlessOver(err), step)
		}
	})
}
