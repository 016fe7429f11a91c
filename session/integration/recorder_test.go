package integration

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A recorder is a driver that writes down what a database is asked: each entry
// is one round trip.
type recorder struct {
	driver driver.Driver
	dsn    string

	mu    sync.Mutex
	asked []asked
}

type asked struct {
	what  string // begin, prepare, query, exec, commit or rollback
	query string
	args  []any
}

// recorded opens the engine's database through a recorder.
func (e engine) recorded(t testing.TB, dsn string) (*sql.DB, *recorder) {
	t.Helper()
	plain := e.connect(t, dsn)
	r := &recorder{driver: plain.Driver(), dsn: dsn}
	db := sql.OpenDB(r)
	t.Cleanup(func() { _ = db.Close() })
	require.NoError(t, db.PingContext(t.Context()))
	return db, r
}

func (r *recorder) add(what, query string, args []driver.NamedValue) {
	r.mu.Lock()
	defer r.mu.Unlock()
	values := make([]any, len(args))
	for i, arg := range args {
		values[i] = arg.Value
	}
	r.asked = append(r.asked, asked{what, query, values})
}

// take returns what was asked since it was last called.
func (r *recorder) take() []asked {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := slices.Clone(r.asked)
	r.asked = nil
	return taken
}

func (r *recorder) Driver() driver.Driver { return r.driver }

func (r *recorder) Connect(ctx context.Context) (driver.Conn, error) {
	if connects, ok := r.driver.(driver.DriverContext); ok {
		connector, err := connects.OpenConnector(r.dsn)
		if err != nil {
			return nil, err
		}
		conn, err := connector.Connect(ctx)
		return recordedConn{conn, r}, err
	}
	conn, err := r.driver.Open(r.dsn)
	return recordedConn{conn, r}, err
}

type recordedConn struct {
	driver.Conn
	*recorder
}

func (c recordedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.add("prepare", query, nil)
	statement, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
	return recordedStatement{statement, c, query}, err
}

func (c recordedConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	c.add("begin", "", nil)
	tx, err := c.Conn.(driver.ConnBeginTx).BeginTx(ctx, options)
	return recordedTx{tx, c.recorder}, err
}

func (c recordedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	result, err := c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
	if !errors.Is(err, driver.ErrSkip) {
		c.add("exec", query, args)
	}
	return result, err
}

func (c recordedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
	if !errors.Is(err, driver.ErrSkip) {
		c.add("query", query, args)
	}
	return rows, err
}

func (c recordedConn) CheckNamedValue(value *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(value)
	}
	return driver.ErrSkip
}

type recordedStatement struct {
	driver.Stmt
	conn  recordedConn
	query string
}

func (s recordedStatement) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.conn.add("exec", s.query, args)
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

func (s recordedStatement) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.conn.add("query", s.query, args)
	return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
}

func (s recordedStatement) CheckNamedValue(value *driver.NamedValue) error {
	if checker, ok := s.Stmt.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(value)
	}
	return s.conn.CheckNamedValue(value)
}

type recordedTx struct {
	driver.Tx
	*recorder
}

func (tx recordedTx) Commit() error {
	tx.add("commit", "", nil)
	return tx.Tx.Commit()
}

func (tx recordedTx) Rollback() error {
	tx.add("rollback", "", nil)
	return tx.Tx.Rollback()
}
