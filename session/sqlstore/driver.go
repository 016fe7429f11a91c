package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"reflect"
	"sync"

	"github.com/mooring-go/mooring/session"
)

// traits are what a store has to know of a driver to take a shorter way. None
// is safe for any driver.
type traits struct {
	// prompt: a query returns when its context ends, though the server hangs.
	prompt bool
	// prepares: a query is one round trip without package sql's prepared
	// statement, because the driver prepares by itself, and its values are int64,
	// string and []byte as the columns are.
	prepares bool
}

// known are the traits of drivers by the package they are in. Drivers that wrap
// another one are not known, nor is any other.
var known = map[string]traits{
	"github.com/jackc/pgx/v5/stdlib": {prompt: true, prepares: true},
	"github.com/go-sql-driver/mysql": {prompt: true},
}

func traitsOf(d driver.Driver) traits {
	t := reflect.TypeOf(d)
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil {
		return traits{}
	}
	return known[t.PkgPath()]
}

// ask has the driver itself look for the row of a session, and read read it while
// it is the driver's. It does what QueryRowContext and Scan do, in less time.
// [driver.ErrSkip] and [driver.ErrBadConn] mean that it is to be done by package
// sql, which also connects again.
func (s *Store) ask(ctx context.Context, id session.ID, read func(row) error) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // gives it back
	return conn.Raw(func(driverConn any) error {
		queryer, ok := driverConn.(driver.QueryerContext)
		if !ok {
			return driver.ErrSkip
		}
		q := questions.Get().(*question)
		defer q.forget()
		q.of[0] = driver.NamedValue{Ordinal: 1, Value: id.String()}
		rows, err := queryer.QueryContext(ctx, s.get.query, q.of[:])
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }() // of one row there is no more to know
		if err := rows.Next(q.answer[:]); errors.Is(err, io.EOF) {
			return sql.ErrNoRows
		} else if err != nil {
			return err
		}
		r, err := rowOf(&q.answer)
		if err != nil {
			return err
		}
		return read(r)
	})
}

// rowOf is the row of values as a driver lends them.
func rowOf(values *[4]driver.Value) (row, error) {
	record, isBytes := values[0].([]byte)
	seen, isNumber := values[1].(int64)
	ip, isText := values[2].(string)
	ending, hasEnded := values[3].([]byte)
	if !isBytes || !isNumber || !isText || !hasEnded && values[3] != nil {
		return row{}, driver.ErrSkip
	}
	return row{record, seen, ip, ending}, nil
}

// A question is what is lent to a driver for a query. It is used again.
type question struct {
	of     [1]driver.NamedValue
	answer [4]driver.Value
}

var questions = sync.Pool{New: func() any { return new(question) }}

func (q *question) forget() {
	*q = question{}
	questions.Put(q)
}
