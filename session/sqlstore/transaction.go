package sqlstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"time"
)

// attempts is how often a transaction is tried that the database undid because
// of another one.
const attempts = 12

// executor is a *sql.DB or *sql.Tx.
type executor interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// inTurn does do while no other caller in this process is in the turn of that
// name. In SQLite, where one transaction at a time can write, there is one turn.
func (s *Store) inTurn(ctx context.Context, name string, do func() error) error {
	number := int64(0)
	if s.text.dialect.lock != "" {
		number = s.number(name)
	}
	end, err := s.turns.take(ctx, number)
	if err != nil {
		return err
	}
	defer end()
	return do()
}

// transact does do in one transaction, again where the database undid it. What
// do leaves behind besides must be as of its last call.
func (s *Store) transact(ctx context.Context, do func(*sql.Tx) error) error {
	return s.step(ctx, s.text.of(s.text.dialect.begin), do)
}

// ofUser is transact for a step of the user: others of that user come before or
// after it. Else one could start a session that another, which ends them all, does
// not see.
func (s *Store) ofUser(ctx context.Context, user string, do func(*sql.Tx) error) error {
	name := userTurn(user)
	return s.transact(ctx, func(tx *sql.Tx) error {
		if err := s.lock(ctx, tx, name); err != nil {
			return err
		}
		return do(tx)
	})
}

func userTurn(user string) string { return "user " + user }

// step is transact, with a first statement or none.
func (s *Store) step(ctx context.Context, first string, do func(*sql.Tx) error) error {
	return s.retry(ctx, func() error {
		conn, err := s.db.Conn(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }() // gives it back
		err = s.once(ctx, conn, first, do)
		if f := s.text.dialect.failures; isReplica(err) || f.is(err, f.readOnly) {
			discard(conn)
		}
		return err
	})
}

func (s *Store) once(ctx context.Context, conn *sql.Conn, first string, do func(*sql.Tx) error) error {
	// What is committing when ctx ends is waited for a little: else nobody would
	// know whether it was made.
	committing := context.WithoutCancel(ctx)
	if deadline, ok := ctx.Deadline(); ok {
		bounded, cancel := context.WithDeadline(committing, deadline.Add(grace))
		defer cancel()
		committing = bounded
	}
	tx, err := conn.BeginTx(committing, s.options)
	if f := s.text.dialect.failures; f.is(err, f.standby) {
		return errReplica
	}
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing once it is committed
	if first != "" {
		if _, err := tx.ExecContext(ctx, first); err != nil {
			return err
		}
	}
	if err := do(tx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return &commitError{err}
	}
	return nil
}

// commitError is one after which nobody knows whether the transaction was made.
type commitError struct{ error }

func (e *commitError) Unwrap() error { return e.error }

// discard has the pool close the connection rather than lend it again.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}

// retry calls do until the database does not undo it. Where the connection was
// lost, or can only be read from, it takes others: all of the pool may be like it,
// and then one that is made for it. An error that leaves open whether it was done,
// as of a commit, ends it.
func (s *Store) retry(ctx context.Context, do func() error) error {
	f := s.text.dialect.failures
	spare := -1 // connections to take yet; below 0: none was in need of another
	for attempt := 1; ; {
		err := do()
		if err == nil || ctx.Err() != nil {
			return err
		}
		_, committing := errors.AsType[*commitError](err)
		switch {
		case f.is(err, f.conflict):
			if attempt == attempts {
				return err
			}
			// 1 ms to 2 ms at first, 0.25 s at the most
			pause := min(time.Millisecond<<(attempt-1), 125*time.Millisecond)
			attempt++
			select {
			case <-ctx.Done():
				return err
			case <-time.After(pause + rand.N(pause)): //nolint:gosec // it spreads the tries, and need not be secret
			}
		case !committing && f.lost(err) || f.is(err, f.readOnly):
			if spare < 0 {
				spare = s.db.Stats().OpenConnections + 1
			}
			if spare == 0 {
				return err
			}
			spare--
		default:
			return err
		}
	}
}

// lock makes transactions that lock the same name come one after the other.
func (s *Store) lock(ctx context.Context, tx *sql.Tx, name string) error {
	if s.text.dialect.lock == "" {
		return nil
	}
	query, number := s.text.of(s.text.dialect.lock), s.number(name)
	if !s.text.dialect.lockTells {
		_, err := tx.ExecContext(ctx, query, number)
		return err
	}
	var replica bool
	if err := tx.QueryRowContext(ctx, query, number).Scan(&replica); err != nil {
		return err
	}
	if replica {
		return errReplica // where a user may have no session yet
	}
	return nil
}

// number returns what to lock for a thing of that name.
func (s *Store) number(name string) int64 {
	sum := sha256.Sum256([]byte("mooring sqlstore\x00" + s.table + "\x00" + name))
	number := int64(binary.BigEndian.Uint64(sum[:])) // any number will do
	if s.text.dialect.lockRange > 0 {
		number &= s.text.dialect.lockRange - 1
	}
	return number
}
