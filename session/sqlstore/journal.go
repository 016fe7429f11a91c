package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/mooring-go/mooring/session"
)

// enter keeps those of the endings for delivery that ask for it.
func (s *Store) enter(ctx context.Context, tx *sql.Tx, ended []session.Ended) error {
	var args []any
	for _, e := range ended {
		if e.Ending.Journal {
			args = append(args, e.Session.ID.String(), []byte(e.Session.User), instant(e.Ending.Keep))
		}
	}
	const each = 3
	for some := range slices.Chunk(args, each*perStatement) {
		values := ""
		for i := range len(some) / each {
			if i > 0 {
				values += ", "
			}
			values += "(?, ?, ?, 0)"
		}
		if _, err := tx.ExecContext(ctx, s.text.of("INSERT INTO {journal} (session_id, owner, keep, leased_until) VALUES "+values), some...); err != nil {
			return err
		}
	}
	return nil
}

// A lease is an entry of the journal. The error is why it cannot be read.
type lease struct {
	seq   int64
	ended session.Ended
	err   error
}

// Lease returns undelivered endings, each user's in the order in which they
// happened. Leases are given out one call at a time, in one short transaction.
//
// An ending whose row cannot be read is passed over, and forgotten with its
// Keep. It is an error only where there is nothing else to return.
func (s *Store) Lease(ctx context.Context, now, until time.Time, limit int) ([]session.Ended, error) {
	if limit <= 0 {
		return nil, nil
	}
	return within(ctx, "lease", func() ([]session.Ended, error) { return s.leased(ctx, now, until, limit) })
}

func (s *Store) leased(ctx context.Context, now, until time.Time, limit int) ([]session.Ended, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	var leased []session.Ended
	err := s.transact(ctx, func(tx *sql.Tx) error {
		if err := s.lockNumber(ctx, tx, s.number("journal")); err != nil {
			return err
		}
		entries, err := s.leasable(ctx, tx, instant(now), limit)
		if err != nil {
			return err
		}
		leased = nil
		var taken []any
		var unread error
		for _, entry := range entries {
			if entry.err != nil {
				unread = entry.err
				continue
			}
			leased, taken = append(leased, entry.ended), append(taken, entry.seq)
		}
		if len(leased) == 0 {
			return unread
		}
		for some := range slices.Chunk(taken, perStatement) {
			if _, err := tx.ExecContext(ctx, s.text.of("UPDATE {journal} SET leased_until = ? WHERE seq IN "+parameters(len(some))),
				append([]any{instant(until)}, some...)...); err != nil {
				return err
			}
		}
		return nil
	})
	return leased, err
}

// leasable are the first entries that nobody has leased, nor one before them of
// the same user.
func (s *Store) leasable(ctx context.Context, tx *sql.Tx, now int64, limit int) ([]lease, error) {
	query := "SELECT j.seq, s.record, s.last_seen, s.ip, s.ending FROM {journal} j JOIN {session} s ON s.id = j.session_id" +
		" WHERE j.leased_until <= ? AND j.keep > ? AND NOT EXISTS (SELECT 1 FROM {journal} e" +
		" WHERE e.owner = j.owner AND e.seq < j.seq AND e.leased_until > ? AND e.keep > ?)" +
		" ORDER BY j.seq LIMIT ?"
	return collect(ctx, tx, s.text.of(query), []any{now, now, now, now, limit}, func(rows *sql.Rows) (lease, error) {
		var entry lease
		var r row
		if err := rows.Scan(&entry.seq, &r.record, &r.lastSeen, &r.ip, &r.ending); err != nil {
			return lease{}, err
		}
		got, err := r.read(session.DecodeRecord)
		switch {
		case err != nil:
			entry.err = err
		case got.ending == nil:
			entry.err = fmt.Errorf("%w: a session that lives is in the journal", session.ErrRecord)
		default:
			entry.ended = session.Ended{Session: got.session, Ending: *got.ending}
		}
		return entry, nil
	})
}

// Delivered forgets endings that were delivered.
func (s *Store) Delivered(ctx context.Context, ids ...session.ID) error {
	return withinAlone(ctx, "delivered", func() error {
		return s.eachEntry(ctx, "DELETE FROM {journal} WHERE session_id IN ", ids)
	})
}

// Release gives back leased endings.
func (s *Store) Release(ctx context.Context, ids ...session.ID) error {
	return withinAlone(ctx, "release", func() error {
		return s.eachEntry(ctx, "UPDATE {journal} SET leased_until = 0 WHERE session_id IN ", ids)
	})
}

func (s *Store) eachEntry(ctx context.Context, template string, ids []session.ID) error {
	if len(ids) == 0 {
		return nil
	}
	if err := s.ready(ctx); err != nil {
		return err
	}
	return s.transact(ctx, func(tx *sql.Tx) error {
		for some := range slices.Chunk(sorted(ids), perStatement) {
			_, err := tx.ExecContext(ctx, s.text.of(template+parameters(len(some))), some...)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
