package sqlstore

import (
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

// Store is a [session.Store], [session.Journal] and [session.Clock] in a
// database. Make one with [New], and its tables with Migrate or [Schema]. It is
// safe for concurrent use, by any number of processes.
//
// Until they were once found good, each method looks for the schema and the
// settings first: [ErrSchema], [ErrSettings], [ErrDialect]. [ErrRights] is a
// statement that the database user may not execute. No method but Migrate and
// Sweep takes longer than its context. Other errors are the driver's, with the
// step that failed, and [session.ErrRecord] where a row is not what was written.
// None contains a token: the store has none.
type Store struct {
	db         *sql.DB
	listen     func(context.Context) (Listener, error)
	table      string
	text       text
	prompt     func() bool
	options    *sql.TxOptions
	turns      turns
	checked    atomic.Bool // the schema was found
	skipLocked atomic.Bool // FOR UPDATE takes SKIP LOCKED
	records    recordCache

	get, touch prepared
}

var (
	_ session.Journal = (*Store)(nil)
	_ session.Clock   = (*Store)(nil)
)

func newStore(db *sql.DB, config Config) *Store {
	t := newText(config)
	return &Store{
		db: db, listen: config.Listen, table: config.Table, text: t,
		prompt:  sync.OnceValue(func() bool { return isPrompt(db.Driver()) }),
		options: &sql.TxOptions{Isolation: t.dialect.isolation},
		get:     prepared{query: t.of(t.getTemplate())},
		touch:   prepared{query: t.of(touchTemplate(t.dialect))},
	}
}

// Close closes the prepared statements, and not the database. The store cannot be used
// afterwards.
func (s *Store) Close() error { return errors.Join(s.get.close(), s.touch.close()) }

// Get returns the live session, or its ending: one round trip, by the primary
// key.
func (s *Store) Get(ctx context.Context, id session.ID) (session.Session, error) {
	get := func() (session.Session, error) {
		got, err := s.found(ctx, id)
		if err != nil {
			return session.Session{}, err
		}
		return got.live()
	}
	if !s.prompt() {
		return within(ctx, s, "get", get)
	}
	got, err := attempt(get)
	return got, s.failed(ctx, "get", err)
}

func (s *Store) found(ctx context.Context, id session.ID) (found, error) {
	if id.IsZero() {
		return found{}, session.ErrNotFound
	}
	if err := s.ready(ctx); err != nil {
		return found{}, err
	}
	var got found
	err := s.retry(ctx, func() error {
		return s.row(ctx, id, func(r row) (err error) {
			got, err = r.read(func(record []byte) (session.Session, error) { return s.records.decode(id, record) })
			return err
		})
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

// row reads the row of a session, in one round trip, by read, which keeps nothing of
// it. Where there is none it returns [sql.ErrNoRows], and errReplica where a replica says
// so, or that there is one.
func (s *Store) row(ctx context.Context, id session.ID, read func(row) error) error {
	var r row
	if !s.text.dialect.prepares {
		err := s.ask(ctx, id, read)
		if !errors.Is(err, driver.ErrSkip) {
			return err
		}
		if r, err = s.rowOnOne(ctx, id); err != nil {
			return err
		}
		return read(r)
	}
	get, err := s.get.in(ctx, s.db)
	if err != nil {
		return err
	}
	if err := r.scan(get.QueryRowContext(ctx, id.String())); err != nil {
		return err
	}
	err = s.text.there(r)
	if isReplica(err) { // by a connection that is not known
		r, err = s.rowOnOne(ctx, id)
	}
	if err != nil {
		return err
	}
	return read(r)
}

// rowOnOne returns the row of a session by a connection that it closes if that leads to a
// replica.
func (s *Store) rowOnOne(ctx context.Context, id session.ID) (r row, err error) {
	err = s.onOne(ctx, func(in executor) error {
		if err := r.scan(in.QueryRowContext(ctx, s.get.query, id.String())); err != nil {
			return err
		}
		return s.text.there(r)
	})
	return r, err
}

// List returns the live sessions of the user, the latest sign-in first: one statement,
// by an index. Where a record cannot be read, as one that a later release wrote, the
// session has the ID, the user, the kind, the times and the address, which is enough to
// end it.
func (s *Store) List(ctx context.Context, user string, kinds ...session.Kind) ([]session.Session, error) {
	return within(ctx, s, "list", func() ([]session.Session, error) {
		if err := s.ready(ctx); err != nil {
			return nil, err
		}
		var sessions []session.Session
		err := s.retry(ctx, func() error {
			rows, err := s.current(ctx, "owner = {bytes} AND ended = 0"+ofKinds(len(kinds)), append([]any{[]byte(user)}, kindArgs(kinds)...)...)
			sessions = nil
			for _, r := range rows {
				sessions = append(sessions, r.session())
			}
			return err
		})
		slices.SortFunc(sessions, byAge)
		return sessions, err
	})
}

// ofKinds returns the part of a WHERE for n kinds; where there are none, any will do.
func ofKinds(n int) string {
	if n == 0 {
		return ""
	}
	return " AND kind IN " + list(n, "{text}")
}

func kindArgs(kinds []session.Kind) []any {
	args := make([]any, len(kinds))
	for i, kind := range kinds {
		args[i] = string(kind)
	}
	return args
}
