package sqlstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/mooring-go/mooring/session"
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

// transact does do in one transaction, again where the database undid it. What
// do leaves behind besides must be as of its last call.
func (s *Store) transact(ctx context.Context, do func(*sql.Tx) error) error {
	return s.step(ctx, s.text.of(s.text.dialect.begin), do)
}

// step is transact, with a first statement or none.
func (s *Store) step(ctx context.Context, first string, do func(*sql.Tx) error) error {
	return s.retry(ctx, func() error {
		tx, err := s.db.BeginTx(ctx, s.options)
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
		return tx.Commit()
	})
}

// retry calls do until the database does not undo it. An error that leaves
// open whether it was done, as of a commit, ends it.
func (s *Store) retry(ctx context.Context, do func() error) error {
	for attempt := 1; ; attempt++ {
		err := do()
		if err == nil || attempt == attempts || !s.text.dialect.conflict(err) {
			return err
		}
		// 1 ms to 2 ms at first, 0.25 s at the most
		pause := min(time.Millisecond<<(attempt-1), 125*time.Millisecond)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause + rand.N(pause)): //nolint:gosec // it spreads the tries, and need not be secret
		}
	}
}

// lock makes the steps of a user come one after the other, until tx ends: else
// one could start a session that another, which ends them all, does not see.
func (s *Store) lock(ctx context.Context, tx *sql.Tx, user string) error {
	return s.lockNumber(ctx, tx, s.number("user "+user))
}

func (s *Store) lockNumber(ctx context.Context, tx *sql.Tx, number int64) error {
	if s.text.dialect.lock == "" {
		return nil
	}
	_, err := tx.ExecContext(ctx, s.text.of(s.text.dialect.lock), number)
	return err
}

// number is what to lock for a thing of that name.
func (s *Store) number(name string) int64 {
	sum := sha256.Sum256([]byte("mooring sqlstore\x00" + s.table + "\x00" + name))
	number := int64(binary.BigEndian.Uint64(sum[:])) // any number will do
	if s.text.dialect.lockRange > 0 {
		number &= s.text.dialect.lockRange - 1
	}
	return number
}

// failed names the store and what it was about to do. What the contract says
// is returned as it is.
func failed(ctx context.Context, doing string, err error) error {
	if err == nil || errors.Is(err, session.ErrExists) || errors.Is(err, session.ErrNotFound) {
		return err
	}
	if _, ended := errors.AsType[*session.EndedError](err); ended {
		return err
	}
	// Drivers have errors of their own for a context that is done.
	if done := ctx.Err(); done != nil && !errors.Is(err, done) {
		return fmt.Errorf("sqlstore: %s: %w: %w", doing, done, err)
	}
	return fmt.Errorf("sqlstore: %s: %w", doing, err)
}
