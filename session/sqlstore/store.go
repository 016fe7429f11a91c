package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/mooring-go/mooring/session"
)

// Store is a [session.Store] and [session.Journal] in a database. Make one with
// [New], and its tables with Migrate or [Schema]. It is safe for concurrent
// use, by any number of processes.
//
// Until it was found once, each method looks for the schema first: [ErrSchema],
// [ErrDialect]. No method but Migrate and Sweep takes longer than its context.
// Other errors are the driver's, with the step that failed, and
// [session.ErrRecord] where a row is not what was written. None contains a
// token: the store has none.
type Store struct {
	db      *sql.DB
	table   string
	text    text
	driver  func() traits
	options *sql.TxOptions
	checked atomic.Bool // the schema was found
	memo    memo

	get, touch prepared
}

var _ session.Journal = (*Store)(nil)

func newStore(db *sql.DB, config Config) *Store {
	t := newText(config)
	return &Store{
		db: db, table: config.Table, text: t,
		driver:  sync.OnceValue(func() traits { return traitsOf(db.Driver()) }),
		options: &sql.TxOptions{Isolation: t.dialect.isolation},
		get:     prepared{query: t.of("SELECT " + columns + " FROM {session} WHERE id = ?")},
		touch: prepared{query: t.of("UPDATE {session} SET last_seen = ?, ip = ?" +
			" WHERE id = ? AND ended = 0 AND last_seen < ?")},
	}
}

// Close gives back the prepared statements. It does not close the database. The
// store is not to be used any more.
func (s *Store) Close() error { return errors.Join(s.get.close(), s.touch.close()) }

// Get returns the live session, or its ending: one prepared statement, by the
// primary key.
func (s *Store) Get(ctx context.Context, id session.ID) (session.Session, error) {
	get := func() (session.Session, error) {
		got, err := s.found(ctx, id)
		if err != nil {
			return session.Session{}, err
		}
		return got.live()
	}
	if !s.driver().prompt {
		return within(ctx, "get", get)
	}
	got, err := attempt(get)
	return got, failed(ctx, "get", err)
}

func (s *Store) found(ctx context.Context, id session.ID) (found, error) {
	if id.IsZero() {
		return found{}, session.ErrNotFound
	}
	if err := s.ready(ctx); err != nil {
		return found{}, err
	}
	var got found
	err := s.row(ctx, id, func(r row) (err error) {
		got, err = r.read(func(record []byte) (session.Session, error) { return s.memo.decode(id, record) })
		return err
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return found{}, session.ErrNotFound
	case err != nil:
		return found{}, err
	case got.session.ID != id:
		return found{}, fmt.Errorf("%w: it is of another session", session.ErrRecord)
	}
	return got, nil
}

// row gets the row of a session, in one round trip, for read to read, which keeps
// nothing of it. Where there is none it returns [sql.ErrNoRows].
func (s *Store) row(ctx context.Context, id session.ID, read func(row) error) error {
	if s.driver().prepares {
		err := s.ask(ctx, id, read)
		if !errors.Is(err, driver.ErrSkip) && !errors.Is(err, driver.ErrBadConn) {
			return err
		}
	}
	get, err := s.get.in(ctx, s.db)
	if err != nil {
		return err
	}
	var r row
	if err := r.scan(get.QueryRowContext(ctx, id.String())); err != nil {
		return err
	}
	return read(r)
}

// Touch records that a live session was used: one prepared statement, and
// another one if there was nothing to record. A drift takes a transaction.
func (s *Store) Touch(ctx context.Context, id session.ID, seen session.Seen) error {
	if id.IsZero() {
		return session.ErrNotFound
	}
	return withinAlone(ctx, "touch", func() error { return s.used(ctx, id, seen) })
}

func (s *Store) used(ctx context.Context, id session.ID, seen session.Seen) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	if !seen.Drift.IsZero() {
		return s.drift(ctx, id, seen)
	}
	var n int64
	at := instant(seen.Time)
	err := s.retry(ctx, func() error {
		touch, err := s.touch.in(ctx, s.db)
		if err != nil {
			return err
		}
		result, err := touch.ExecContext(ctx, at, addr(seen.IP), id.String(), at)
		if err == nil {
			n, err = result.RowsAffected()
		}
		return err
	})
	if err == nil && n == 0 { // it was used later, or is not live
		var got found
		if got, err = s.found(ctx, id); err == nil {
			var live session.Session
			if live, err = got.live(); err == nil && instant(live.LastSeen) < at {
				return s.used(ctx, id, seen) // it was started in between
			}
		}
	}
	return err
}

// drift records a use that adds to the session's drift.
func (s *Store) drift(ctx context.Context, id session.ID, seen session.Seen) error {
	return s.transact(ctx, func(tx *sql.Tx) error {
		used, err := s.lockedLive(ctx, tx, id)
		if err != nil || !used.Apply(seen) {
			return err
		}
		record, err := session.EncodeRecord(used)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, s.text.of("UPDATE {session} SET last_seen = ?, ip = ?, record = ? WHERE id = ?"),
			instant(used.LastSeen), addr(used.IP), record, id.String())
		return err
	})
}

// lockedLive is the live session, which nobody else changes until tx ends.
func (s *Store) lockedLive(ctx context.Context, tx *sql.Tx, id session.ID) (session.Session, error) {
	all, err := s.locked(ctx, tx, []session.ID{id})
	if err != nil {
		return session.Session{}, err
	}
	if len(all) == 0 {
		return session.Session{}, session.ErrNotFound
	}
	return all[0].live()
}

// List returns the live sessions of the user, the latest sign-in first: one
// statement, by an index.
func (s *Store) List(ctx context.Context, user string) ([]session.Session, error) {
	return within(ctx, "list", func() ([]session.Session, error) {
		if err := s.ready(ctx); err != nil {
			return nil, err
		}
		sessions, err := s.live(ctx, s.db, user)
		slices.SortFunc(sessions, func(a, b session.Session) int {
			return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID.String(), b.ID.String()))
		})
		return sessions, err
	})
}
