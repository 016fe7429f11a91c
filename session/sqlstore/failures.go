package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/mooring-go/mooring/session"
)

// ErrRights is returned where the database refuses a statement because its user
// may not execute it. The package documentation lists the rights that are needed.
var ErrRights = errors.New("sqlstore: missing right")

// failures tell the errors of a dialect's drivers apart by what codeOf finds in
// them: codes of the server, or parts of the text.
type failures struct {
	has func(err error, code string) bool

	conflict []string // the transaction was undone and may succeed when it is tried again
	gone     []string // the server is ending the connection
	readOnly []string // nothing can be written on this connection
	standby  []string // no transaction that writes can be begun
	denied   []string // the user may not do this
	missing  []string // the table is not there
	foreign  []string // the table has other columns
}

var postgresFailures = failures{
	has: func(err error, code string) bool {
		coded, ok := errors.AsType[sqlState](err)
		return ok && strings.HasPrefix(coded.SQLState(), code)
	},
	conflict: []string{"40001", "40P01"},
	gone:     []string{"08", "57P"},
	readOnly: []string{"25006"},
	standby:  []string{"0A000"}, // what BEGIN READ WRITE returns, by lib/pq
	denied:   []string{"42501"},
	missing:  []string{"42P01"},
	foreign:  []string{"42703"},
}

// sqlState is an error of a PostgreSQL driver: pgx and lib/pq both have it.
type sqlState interface {
	error
	SQLState() string
}

// In MySQL 1213 is ER_LOCK_DEADLOCK and 1020 ER_CHECKREAD, of MariaDB's
// innodb_snapshot_isolation. 1290, 1792 and 1836 are of a server, or a session,
// that is read-only.
var mysqlFailures = failures{
	has: func(err error, code string) bool {
		found := mysqlCode.FindStringSubmatch(err.Error())
		return found != nil && found[1] == code
	},
	conflict: []string{"1213", "1020"},
	gone:     []string{"1053", "1927", "4031"},
	readOnly: []string{"1290", "1792", "1836"},
	denied:   []string{"1044", "1142", "1143", "1227"},
	missing:  []string{"1146", "1049"},
	foreign:  []string{"1054"},
}

// mysqlCode finds the number in the text of an error: it has no method, and the
// driver is not imported here.
var mysqlCode = regexp.MustCompile(`Error (\d{4})[ :]`)

var sqliteFailures = failures{
	has:      func(err error, code string) bool { return strings.Contains(err.Error(), code) },
	conflict: []string{"database is locked", "database table is locked", "SQLITE_BUSY"},
	missing:  []string{"no such table"},
	foreign:  []string{"no such column"},
}

// is reports whether err is one of the codes.
func (f failures) is(err error, codes []string) bool {
	return err != nil && slices.ContainsFunc(codes, func(code string) bool { return f.has(err, code) })
}

// lost reports whether the connection was lost, so that another one may do.
func (f failures) lost(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return false // there is no server to connect to
	}
	for _, gone := range []error{driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, gone) {
			return true
		}
	}
	return f.is(err, f.gone) || strings.Contains(err.Error(), "conn closed") || strings.Contains(err.Error(), "invalid connection")
}

// failed adds the store and the step to the error. Errors that the contract names it
// returns as they are.
func (s *Store) failed(ctx context.Context, doing string, err error) error {
	if err == nil || errors.Is(err, session.ErrExists) || errors.Is(err, session.ErrNotFound) {
		return err
	}
	if _, ended := errors.AsType[*session.EndedError](err); ended || errors.Is(err, session.ErrConflict) {
		return err
	}
	if _, over := errors.AsType[*session.LimitError](err); over {
		return err
	}
	if f := s.text.dialect.failures; f.is(err, f.denied) {
		err = fmt.Errorf("%w: %w", ErrRights, err)
	}
	if strings.Contains(err.Error(), "prepared statement") {
		err = fmt.Errorf("%w (behind a pooler that lends connections by the transaction, see the package documentation)", err)
	}
	// Drivers have errors of their own for a context that is done, and timers that
	// may fire before the context's.
	done := ctx.Err()
	if deadline, ok := ctx.Deadline(); done == nil && ok && !time.Now().Before(deadline) {
		done = context.DeadlineExceeded
	}
	if done != nil && !errors.Is(err, done) {
		return fmt.Errorf("sqlstore: %s: %w: %w", doing, done, err)
	}
	return fmt.Errorf("sqlstore: %s: %w", doing, err)
}
