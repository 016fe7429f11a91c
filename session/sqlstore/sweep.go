package sqlstore

import (
	"context"
	"database/sql"
	"math"
	"time"
)

// overdue is the instant from which on a row may be forgotten. What is added and
// subtracted stays in the range of 64 bits.
const overdue = "CASE WHEN ended = 1 THEN sweep_at" +
	" WHEN idle <= 0 OR expires <= 0 THEN expires" +
	" WHEN last_seen < expires - idle THEN last_seen + idle" +
	" ELSE expires END"

// Sweep forgets what is overdue, a few hundred rows to a transaction, so that
// nobody waits for it long. If it fails it returns how many it forgot by then:
// those stay forgotten, and the next call goes on.
//
// Many processes may sweep; it is enough if one does, once a minute or so.
func (s *Store) Sweep(ctx context.Context, now time.Time) (int, error) {
	if err := s.ready(ctx); err != nil {
		return 0, failed(ctx, "sweep", err)
	}
	total := 0
	for from, more := int64(math.MinInt64), true; more; {
		var n int
		var err error
		if n, from, more, err = s.sweepSome(ctx, from, instant(now)); err != nil {
			return total, failed(ctx, "sweep", err)
		}
		total += n
	}
	return total, nil
}

// sweepSome looks at the next rows whose sweep_at has come: it forgets those
// that are overdue, and puts those that were used since where they belong. It
// goes on from where the last call ended, not to pass again over what the index
// still has of the rows before.
func (s *Store) sweepSome(ctx context.Context, from, now int64) (n int, next int64, more bool, err error) {
	type due struct {
		id string
		at int64
	}
	some, err := collect(ctx, s.db,
		s.text.of("SELECT id, sweep_at FROM {session} WHERE sweep_at >= ? AND sweep_at <= ? ORDER BY sweep_at LIMIT ?"),
		[]any{from, now, perStatement},
		func(rows *sql.Rows) (d due, err error) { return d, rows.Scan(&d.id, &d.at) })
	if err != nil || len(some) == 0 {
		return 0, from, false, err
	}
	ids := make([]any, len(some))
	for i, d := range some {
		ids[i] = d.id
	}
	in := " IN " + parameters(len(ids))
	args := append([]any{now}, ids...)
	var forgotten int64
	err = s.transact(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, s.text.of("DELETE FROM {session} WHERE "+overdue+" <= ? AND id"+in), args...)
		if err != nil {
			return err
		}
		if forgotten, err = result.RowsAffected(); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, s.text.of("DELETE FROM {journal} WHERE keep <= ? AND session_id"+in), args...); err != nil {
			return err
		}
		if forgotten == int64(len(ids)) {
			return nil
		}
		_, err = tx.ExecContext(ctx, s.text.of("UPDATE {session} SET sweep_at = "+overdue+" WHERE ended = 0 AND id"+in), ids...)
		return err
	})
	return int(forgotten), some[len(some)-1].at, len(some) == perStatement, err
}
