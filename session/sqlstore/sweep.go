package sqlstore

import (
	"context"
	"database/sql"
	"math"
	"slices"
	"time"

	"github.com/mooring-go/mooring/session"
)

// Sweep forgets what is overdue, by the server's clock, and ends those sessions
// whose expiry is to be told. It takes a few hundred rows to a transaction, so that
// nobody waits for it long. If it fails it returns what it did by then: that stays
// done, and the next call goes on.
//
// Many processes may sweep; it is enough if one does, once a minute or so.
func (s *Store) Sweep(ctx context.Context, now time.Time) (session.Swept, error) {
	var total session.Swept
	clock, err := s.now(ctx)
	if err != nil {
		return total, s.failed(ctx, "sweep", err)
	}
	if now.After(clock) {
		now = clock
	}
	for from, more := int64(math.MinInt64), true; more; {
		var some session.Swept
		if some, from, more, err = s.sweepSome(ctx, from, now); err != nil {
			return total, s.failed(ctx, "sweep", err)
		}
		total.Forgotten += some.Forgotten
		total.Expired += some.Expired
		total.Undelivered += some.Undelivered
	}
	return total, s.failed(ctx, "sweep", s.forgetChanges(ctx, clock))
}

// sweepSome looks at the next rows whose sweep_at has come. It goes on from where the
// last call ended, so that it does not pass again over deleted rows that the index
// still has.
func (s *Store) sweepSome(ctx context.Context, from int64, now time.Time) (swept session.Swept, next int64, more bool, err error) {
	type due struct {
		id string
		at int64
	}
	var some []due
	err = s.retry(ctx, func() (err error) {
		some, err = collect(ctx, s.db,
			s.text.of("SELECT id, sweep_at FROM {session} WHERE sweep_at >= {int} AND sweep_at <= {int} ORDER BY sweep_at LIMIT {int}"),
			[]any{from, instant(now), perStatement},
			func(rows *sql.Rows) (d due, err error) { return d, rows.Scan(&d.id, &d.at) })
		return err
	})
	if err != nil || len(some) == 0 {
		return swept, from, false, err
	}
	ids := make([]string, len(some))
	for i, d := range some {
		ids[i] = d.id
	}
	err = s.transact(ctx, func(tx *sql.Tx) (err error) {
		swept, err = s.sweepRows(ctx, tx, ids, now)
		return err
	})
	return swept, some[len(some)-1].at, len(some) == perStatement, err
}

// sweepRows does to each of the rows what is due at now. Rows that were used since get
// a new sweep_at.
func (s *Store) sweepRows(ctx context.Context, tx *sql.Tx, ids []string, now time.Time) (swept session.Swept, err error) {
	rows, err := s.locked(ctx, tx, ids)
	if err != nil {
		return swept, err
	}
	var over []string // endings and sessions to be forgotten
	var later []any
	var told []verdict
	for _, r := range rows {
		limit := r.candidate().Deadline
		switch {
		case r.ended && r.sweepAt <= instant(now), !r.ended && !limit.After(now) && r.tellExpiry <= 0:
			over = append(over, r.id)
		case !r.ended && !limit.After(now):
			told = append(told, verdict{r, r.expiry(now)})
		case !r.ended:
			later = append(later, r.id)
		}
	}
	swept = session.Swept{Forgotten: len(over), Expired: len(told)}
	if swept.Undelivered, err = s.forget(ctx, tx, over); err != nil {
		return swept, err
	}
	if _, err := s.each(ctx, tx, "UPDATE {session} SET sweep_at = "+deadline+" WHERE id", "{text}", later); err != nil {
		return swept, err
	}
	return swept, s.end(ctx, tx, told)
}

// expiry returns the ending of a session that reached a limit, to be told.
func (r fullRow) expiry(now time.Time) session.Ending {
	limits := session.Session{LastSeen: timeOf(r.lastSeen), Expires: timeOf(r.expires), Idle: time.Duration(r.idle)}
	return session.Ending{
		Cause: limits.Overdue(now), Time: limits.Deadline(), Keep: now.Add(time.Duration(r.tellExpiry)), Journal: true,
	}
}

// forget deletes rows that are locked, and their rows in the journal, and returns how
// many of the latter there were.
func (s *Store) forget(ctx context.Context, tx *sql.Tx, ids []string) (undelivered int, err error) {
	owners, err := s.waiting(ctx, tx, ids)
	if err != nil {
		return 0, err
	}
	// Those without a name are what Lease has put aside.
	owners = slices.DeleteFunc(owners, func(owner []byte) bool { return len(owner) == 0 })
	if err := s.lockQueue(ctx, tx, owners); err != nil {
		return 0, err
	}
	n, err := s.each(ctx, tx, "DELETE FROM {journal} WHERE session_id", "{text}", anys(ids))
	if err != nil {
		return 0, err
	}
	if err := s.settle(ctx, tx, owners); err != nil {
		return 0, err
	}
	_, err = s.each(ctx, tx, "DELETE FROM {session} WHERE id", "{text}", anys(ids))
	return int(n), err
}
