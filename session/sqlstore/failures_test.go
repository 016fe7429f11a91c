package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// coded is an error as the drivers of PostgreSQL have it.
type coded string

func (c coded) Error() string    { return "an error (SQLSTATE " + string(c) + ")" }
func (c coded) SQLState() string { return string(c) }

func TestFailures(t *testing.T) {
	dial := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	reset := &net.OpError{Op: "read", Err: syscall.ECONNRESET}
	for _, test := range []struct {
		of   failures
		err  error
		want string
	}{
		{postgresFailures, coded("40001"), "conflict"},
		{postgresFailures, coded("40P01"), "conflict"},
		{postgresFailures, coded("57P01"), "lost"},
		{postgresFailures, coded("08006"), "lost"},
		{postgresFailures, coded("25006"), "read-only"},
		{postgresFailures, coded("42501"), "denied"},
		{postgresFailures, coded("42P01"), "missing"},
		{postgresFailures, coded("42703"), "foreign"},
		{postgresFailures, coded("23505"), ""},
		{postgresFailures, errors.New("40001"), ""},
		{mysqlFailures, errors.New("Error 1213 (40001): Deadlock found"), "conflict"},
		{mysqlFailures, errors.New("Error 1290 (HY000): The server is running with --read-only"), "read-only"},
		{mysqlFailures, errors.New("Error 1142 (42000): SELECT command denied"), "denied"},
		{mysqlFailures, errors.New("Error 1146 (42S02): Table 'a.b' doesn't exist"), "missing"},
		{mysqlFailures, errors.New("Error 1054 (42S22): Unknown column"), "foreign"},
		{mysqlFailures, errors.New("Error 1062 (23000): Duplicate entry 'Error 1213 (40001)'"), ""},
		{mysqlFailures, errors.New("invalid connection"), "lost"},
		{sqliteFailures, errors.New("database is locked (5) (SQLITE_BUSY)"), "conflict"},
		{sqliteFailures, errors.New("no such table: a"), "missing"},
		{sqliteFailures, errors.New("disk I/O error"), ""},
		{postgresFailures, driver.ErrBadConn, "lost"},
		{postgresFailures, fmt.Errorf("receiving: %w", io.ErrUnexpectedEOF), "lost"},
		{mysqlFailures, reset, "lost"},
		{mysqlFailures, dial, ""},
		{postgresFailures, context.DeadlineExceeded, ""},
	} {
		var got string
		for name, codes := range map[string][]string{
			"conflict": test.of.conflict, "read-only": test.of.readOnly, "denied": test.of.denied,
			"missing": test.of.missing, "foreign": test.of.foreign,
		} {
			if test.of.is(test.err, codes) {
				got += name
			}
		}
		if test.of.lost(test.err) {
			got += "lost"
		}
		assert.Equal(t, test.want, got, "%v", test.err)
	}
}

// late is a context whose deadline has passed a moment before it ends.
type late struct{ context.Context }

func (late) Deadline() (time.Time, bool) { return time.Now().Add(-time.Millisecond), true }

// A caller can tell that its deadline was the reason, whatever the driver calls it.
func TestAFailureAtTheDeadlineSaysSo(t *testing.T) {
	ended, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	<-ended.Done()
	dial := &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
	store := &Store{text: text{dialect: dialects[PostgreSQL]}}
	for name, ctx := range map[string]context.Context{"ended": ended, "not yet ended": late{t.Context()}} {
		err := store.failed(ctx, "get", dial)
		require.ErrorIs(t, err, context.DeadlineExceeded, name)
		require.ErrorIs(t, err, dial, name)
	}
	in, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	require.NotErrorIs(t, store.failed(in, "get", dial), context.DeadlineExceeded)
}
