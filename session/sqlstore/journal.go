package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/mooring-go/mooring/session"
)

// The journal has a row for each ending that waits. The queue has a row for each user
// with such endings, which says when the first of them is free. A step that changes a
// user's rows in the journal locks the user's row in the queue first.

// enter writes into the journal those of the endings that ask for delivery.
func (s *Store) enter(ctx context.Context, tx *sql.Tx, ended []verdict) error {
	var ids []any
	var owners [][]byte
	for _, v := range ended {
		if v.ending.Journal {
			ids, owners = append(ids, v.row.id), append(owners, v.row.owner)
		}
	}
	for _, owner := range distinct(owners) {
		if _, err := tx.ExecContext(ctx, s.text.of("INSERT INTO {queue} (owner, free_at) VALUES ({bytes}, {now})"+s.text.dialect.orLock), owner); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(ids, perStatement) {
		some = padded(some)
		_, err := tx.ExecContext(ctx, s.text.of("INSERT INTO {journal} (session_id, owner, held_until) SELECT id, owner, 0 FROM {session} WHERE id IN "+
			list(len(some), "{text}")+" ORDER BY created, id"), some...)
		if err != nil {
			return err
		}
	}
	return nil
}

// Delivered forgets endings that were delivered.
func (s *Store) Delivered(ctx context.Context, ids ...session.ID) error {
	return withinAlone(ctx, s, "delivered", func() error {
		return s.change(ctx, ids, "DELETE FROM {journal} WHERE session_id")
	})
}

// Release gives back leased endings.
func (s *Store) Release(ctx context.Context, pause time.Duration, ids ...session.ID) error {
	return withinAlone(ctx, s, "release", func() error {
		return s.change(ctx, ids, "UPDATE {journal} SET held_until = {now} + {int} WHERE session_id", int64(max(pause, 0)))
	})
}

// change executes the template for the sessions' rows in the journal, and moves their
// users to their new places in the queue.
func (s *Store) change(ctx context.Context, ids []session.ID, template string, args ...any) error {
	if len(ids) == 0 {
		return nil
	}
	if err := s.ready(ctx); err != nil {
		return err
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = id.String()
	}
	slices.Sort(names)
	var owners [][]byte
	err := s.retry(ctx, func() (err error) {
		owners, err = s.waiting(ctx, s.db, names)
		return err
	})
	if err != nil || len(owners) == 0 {
		return err
	}
	return s.transact(ctx, func(tx *sql.Tx) error {
		if err := s.lockQueue(ctx, tx, owners); err != nil {
			return err
		}
		if _, err := s.each(ctx, tx, template, "{text}", anys(names), args...); err != nil {
			return err
		}
		return s.settle(ctx, tx, owners)
	})
}

// waiting returns the users of those of the sessions that are in the journal.
func (s *Store) waiting(ctx context.Context, in executor, ids []string) ([][]byte, error) {
	var owners [][]byte
	for some := range slices.Chunk(ids, perStatement) {
		args := anys(padded(some))
		more, err := collect(ctx, in, s.text.of("SELECT DISTINCT owner FROM {journal} WHERE session_id IN "+list(len(args), "{text}")), args, scanBytes)
		if err != nil {
			return nil, err
		}
		owners = append(owners, more...)
	}
	return distinct(owners), nil
}

// lockQueue locks the users' rows in the queue.
func (s *Store) lockQueue(ctx context.Context, tx *sql.Tx, owners [][]byte) error {
	for some := range slices.Chunk(owners, perStatement) {
		args := anys(padded(some))
		_, err := collect(ctx, tx, s.text.of("SELECT owner FROM {queue} WHERE owner IN "+list(len(args), "{bytes}")+" ORDER BY owner"+s.text.dialect.forUpdate), args, scanBytes)
		if err != nil {
			return err
		}
	}
	return nil
}

// settle moves users, whose rows in the queue are locked, to their places. It removes
// users for whom nothing waits; the others are due as soon as their first ending is
// free, after those that have been until now.
func (s *Store) settle(ctx context.Context, tx *sql.Tx, owners [][]byte) error {
	if _, err := s.each(ctx, tx, "DELETE FROM {queue} WHERE NOT EXISTS (SELECT 1 FROM {journal} j WHERE j.owner = {queue}.owner) AND owner", "{bytes}", anys(owners)); err != nil {
		return err
	}
	_, err := s.each(ctx, tx, "UPDATE {queue} SET free_at = "+s.text.dialect.greatest+"({now},"+
		" (SELECT j.held_until FROM {journal} j WHERE j.owner = {queue}.owner ORDER BY j.seq LIMIT 1)) WHERE owner", "{bytes}", anys(owners))
	return err
}

func scanBytes(rows *sql.Rows) (b []byte, err error) { return b, rows.Scan(&b) }

// distinct returns the users, each once, in the order in which all transactions lock
// them.
func distinct(owners [][]byte) [][]byte {
	owners = slices.SortedFunc(slices.Values(owners), slices.Compare)
	return slices.CompactFunc(owners, slices.Equal)
}
