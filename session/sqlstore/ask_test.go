package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// conn is a connection of a driver that answers every query with the same values
// or the same error. It lends the values: they are others as soon as it is asked
// again.
type conn struct {
	values []driver.Value
	err    error
	asked  []string // of the driver itself, and by way of package sql
}

func (c *conn) Connect(context.Context) (driver.Conn, error) { return c, nil }
func (c *conn) Driver() driver.Driver                        { return nil }
func (c *conn) Close() error                                 { return nil }
func (c *conn) Begin() (driver.Tx, error)                    { return nil, driver.ErrSkip }

func (c *conn) Prepare(string) (driver.Stmt, error) { return prepare{c}, nil }

func (c *conn) QueryContext(_ context.Context, _ string, args []driver.NamedValue) (driver.Rows, error) {
	c.asked = append(c.asked, "directly")
	if c.err != nil {
		return nil, c.err
	}
	return c.rows(), nil
}

func (c *conn) rows() driver.Rows {
	lent := slices.Clone(c.values)
	for i, value := range lent {
		if b, ok := value.([]byte); ok {
			lent[i] = bytes.Clone(b)
		}
	}
	return &rows{left: lent}
}

type prepare struct{ of *conn }

func (s prepare) Close() error                               { return nil }
func (s prepare) NumInput() int                              { return -1 }
func (s prepare) Exec([]driver.Value) (driver.Result, error) { return nil, driver.ErrSkip }

func (s prepare) Query([]driver.Value) (driver.Rows, error) {
	s.of.asked = append(s.of.asked, "by sql")
	return s.of.rows(), nil
}

// plain is a connection that cannot be asked but by way of package sql.
type plain struct{ driver.Conn }

type rows struct{ left, lent []driver.Value }

func (r *rows) Columns() []string { return make([]string, 4) }

func (r *rows) Next(values []driver.Value) error {
	if r.left == nil {
		return io.EOF
	}
	r.lent = r.left
	copy(values, r.left)
	r.left = nil
	return nil
}

func (r *rows) Close() error {
	for _, value := range r.lent {
		if b, ok := value.([]byte); ok {
			clear(b)
		}
	}
	return nil
}

// over returns a store on such a driver that is known to be prompt.
func over(t *testing.T, c driver.Connector) *Store {
	store, err := New(sql.OpenDB(c), Config{Dialect: PostgreSQL})
	require.NoError(t, err)
	store.checked.Store(true)
	store.prompt = func() bool { return true }
	return store
}

func aRow(t *testing.T) (session.Session, []driver.Value) {
	s := session.Session{ID: session.NewToken("ada").ID(), User: "ada", Created: time.Unix(1, 0).UTC()}
	record, err := session.EncodeRecord(s)
	require.NoError(t, err)
	s.LastSeen = time.Unix(2, 0).UTC()
	return s, []driver.Value{record, s.LastSeen.UnixNano(), "", nil}
}

func TestTheDriverIsAskedDirectly(t *testing.T) {
	s, values := aRow(t)
	c := &conn{values: values}
	got, err := over(t, c).Get(t.Context(), s.ID)
	require.NoError(t, err)
	assert.Equal(t, s, got)
	assert.Equal(t, []string{"directly"}, c.asked)

	c.values = nil
	_, err = over(t, c).Get(t.Context(), s.ID)
	assert.Equal(t, session.ErrNotFound, err)
}

// What the direct way cannot do, package sql does, which asks again or prepares.
func TestTheDriverIsNotAskedDirectly(t *testing.T) {
	for name, spoil := range map[string]func(c *conn) driver.Connector{
		"the driver rather would not": func(c *conn) driver.Connector { c.err = driver.ErrSkip; return c },
		"a number as bytes":           func(c *conn) driver.Connector { c.values[1] = []byte("2000000000"); return c },
		"bytes as text":               func(c *conn) driver.Connector { c.values[0] = string(c.values[0].([]byte)); return c },
		"no way to": func(c *conn) driver.Connector {
			return connectorOf(func() driver.Conn { return plain{c} })
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, values := aRow(t)
			c := &conn{values: values}
			got, err := over(t, spoil(c)).Get(t.Context(), s.ID)
			require.NoError(t, err)
			assert.Equal(t, s, got)
			assert.NotEqual(t, []string{"directly"}, c.asked)
		})
	}
}

// What a replica answers is not believed, and its connection is closed.
func TestAnAnswerOfAReplica(t *testing.T) {
	s, _ := aRow(t)
	c := &conn{values: []driver.Value{nil, int64(1), "", nil}}
	store := over(t, c)
	store.db.SetMaxIdleConns(4)
	_, err := store.Get(t.Context(), s.ID)
	require.ErrorIs(t, err, ErrSettings)
	assert.ErrorContains(t, err, "connect to the primary")
	assert.Zero(t, store.db.Stats().OpenConnections)
	assert.Len(t, c.asked, 2, "another connection may lead to the primary")

	c.values[1] = int64(0)
	_, err = store.Get(t.Context(), s.ID)
	assert.Equal(t, session.ErrNotFound, err)
}

type connectorOf func() driver.Conn

func (c connectorOf) Connect(context.Context) (driver.Conn, error) { return c(), nil }
func (connectorOf) Driver() driver.Driver                          { return nil }

func TestAnErrorOfTheServerIsNotTriedAgain(t *testing.T) {
	s, values := aRow(t)
	c := &conn{values: values, err: coded("53200")}
	_, err := over(t, c).Get(t.Context(), s.ID)
	assert.ErrorIs(t, err, coded("53200"))
	assert.ErrorContains(t, err, "sqlstore: get: ")
	assert.Equal(t, []string{"directly"}, c.asked)
}

// A driver that is not known, or is wrapped in another, is waited for no longer
// than the context lasts.
func TestUnknownDriversAreNotPrompt(t *testing.T) {
	assert.False(t, isPrompt(nil))
	assert.False(t, isPrompt(struct{ driver.Driver }{}))
}
