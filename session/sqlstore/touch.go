package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/mooring-go/mooring/session"
)

// touchTemplate records a use: at the given time, or at the server's if that is
// earlier. A recorded time more than a minute ahead of the server's was written by a
// wrong clock, and is replaced, as [session.Session.Apply] says. SQLite gets its time
// as the last parameter, and as the first one that is not ahead of it.
func touchTemplate(d dialect) string {
	at, now := d.least+"({int}, {now})", "{now}"
	if d.now == "" {
		at, now = "{int}", "{int}"
	}
	return "UPDATE {session} SET last_seen = " + at + ", ip = {text}" +
		" WHERE id = {text} AND ended = 0 AND (last_seen < " + at + " OR last_seen > " + now + " + 60000000000)"
}

// Touch records that a live session was used: one statement, and another one if
// there was nothing to record. A drift takes a transaction.
func (s *Store) Touch(ctx context.Context, id session.ID, seen session.Seen) error {
	if id.IsZero() {
		return session.ErrNotFound
	}
	return withinAlone(ctx, s, "touch", func() error { return s.used(ctx, id, seen) })
}

func (s *Store) used(ctx context.Context, id session.ID, seen session.Seen) error {
	if n := len(addr(seen.IP)); n > maxAddr {
		return fmt.Errorf("%w: IP of %d bytes, want up to %d", session.ErrInvalid, n, maxAddr)
	}
	if err := s.ready(ctx); err != nil {
		return err
	}
	if !seen.Drift.IsZero() {
		return s.drift(ctx, id, seen)
	}
	at := instant(seen.Time)
	var clock []any // the time, where the database has none
	if s.text.dialect.now == "" {
		now := instant(time.Now())
		at, clock = min(at, now), []any{now}
	}
	for again := false; ; again = true {
		n, err := s.touched(ctx, append([]any{at, addr(seen.IP), id.String(), at}, clock...))
		if err != nil || n > 0 {
			return err
		}
		// It was used later, or is not live.
		got, err := s.found(ctx, id)
		if err != nil {
			return err
		}
		live, err := got.live()
		if err != nil || again || instant(live.LastSeen) >= at {
			return err
		}
		// It was started in between, or at is ahead of the server's clock.
	}
}

// touched returns how many rows the use was recorded in: one or none. It can be
// repeated.
func (s *Store) touched(ctx context.Context, args []any) (n int64, err error) {
	count := func(result sql.Result, err error) error {
		if err == nil {
			n, err = result.RowsAffected()
		}
		return err
	}
	err = s.retry(ctx, func() error {
		if !s.text.dialect.prepares {
			return count(s.db.ExecContext(ctx, s.touch.query, args...))
		}
		touch, err := s.touch.in(ctx, s.db)
		if err != nil {
			return err
		}
		return count(touch.ExecContext(ctx, args...))
	})
	if f := s.text.dialect.failures; f.is(err, f.readOnly) {
		// A transaction leaves the connections on which that is so.
		err = s.transact(ctx, func(tx *sql.Tx) error { return count(tx.ExecContext(ctx, s.touch.query, args...)) })
	}
	return n, err
}

// drift records a use that adds to the session's drift.
func (s *Store) drift(ctx context.Context, id session.ID, seen session.Seen) error {
	return s.inTurn(ctx, "session "+id.String(), func() error {
		return s.transact(ctx, func(tx *sql.Tx) error {
			used, err := s.lockedLive(ctx, tx, id)
			if err != nil {
				return err
			}
			now, err := s.clock(ctx, tx)
			if err != nil {
				return err
			}
			if !used.Apply(seen, now) {
				return nil
			}
			record, err := session.EncodeRecord(used)
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, s.text.of("UPDATE {session} SET last_seen = {int}, ip = {text}, record = {bytes} WHERE id = {text}"),
				instant(used.LastSeen), addr(used.IP), record, id.String())
			if err != nil {
				return err
			}
			return s.announce(ctx, tx, []session.Change{
				{Kind: session.ChangeUpdated, ID: id, User: used.User, Restricted: used.Drift.Restricted},
			})
		})
	})
}

// lockedLive returns the live session, which nobody else changes until tx ends.
func (s *Store) lockedLive(ctx context.Context, tx *sql.Tx, id session.ID) (session.Session, error) {
	all, err := s.locked(ctx, tx, []string{id.String()})
	if err != nil {
		return session.Session{}, err
	}
	if len(all) == 0 {
		return session.Session{}, s.believed(ctx, tx, session.ErrNotFound)
	}
	if all[0].ended {
		return all[0].live()
	}
	got, err := all[0].read(session.DecodeRecord)
	if err == nil && got.session.ID != id {
		err = fmt.Errorf("%w: it is of another session", session.ErrRecord)
	}
	return got.session, err
}
