package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"sync"

	"github.com/mooring-go/mooring/session"
)

// ask lets the driver itself look for the row of a session, and read reads it while it
// is the driver's. That takes some 20 µs of processor time, where QueryRowContext and
// Scan take 28. [driver.ErrSkip] means that package sql has to do it.
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
		if err == nil && q.answer[0] == nil {
			err = s.text.there(r)
		}
		if err != nil {
			return err
		}
		return read(r)
	})
}

// rowOf returns the row of values as a driver lends them.
func rowOf(values *[4]driver.Value) (row, error) {
	record, isBytes := values[0].([]byte)
	seen, isNumber := values[1].(int64)
	ip, isText := values[2].(string)
	if text, ok := values[2].([]byte); ok {
		ip, isText = string(text), true
	}
	ending, hasEnded := values[3].([]byte)
	isBytes = isBytes || values[0] == nil // as there says
	if !isBytes || !isNumber || !isText || !hasEnded && values[3] != nil {
		return row{}, driver.ErrSkip
	}
	return row{record, seen, ip, ending}, nil
}

// A question is what a query lends to a driver. It is used again.
type question struct {
	of     [1]driver.NamedValue
	answer [4]driver.Value
}

var questions = sync.Pool{New: func() any { return new(question) }}

func (q *question) forget() {
	*q = question{}
	questions.Put(q)
}
