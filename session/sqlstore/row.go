package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/mooring-go/mooring/session"
)

// perStatement is how many IDs a statement names at the most.
const perStatement = 500

// columns are what a session and its ending are read of.
const columns = "record, last_seen, ip, ending"

// A row is what the columns hold.
type row struct {
	record   []byte
	lastSeen int64
	ip       string
	ending   []byte // nil: the session lives
}

func (r *row) scan(from interface{ Scan(into ...any) error }) error {
	return from.Scan(&r.record, &r.lastSeen, &r.ip, &r.ending)
}

// found is a session as it was found, and its ending, if it has one.
type found struct {
	session session.Session
	ending  *session.Ending
}

// live returns the session, or *EndedError.
func (f found) live() (session.Session, error) {
	if f.ending != nil {
		return session.Session{}, &session.EndedError{Ended: session.Ended{Session: f.session, Ending: *f.ending}}
	}
	return f.session, nil
}

// read reads the row; decode reads its record.
func (r row) read(decode func([]byte) (session.Session, error)) (found, error) {
	s, err := decode(r.record)
	if err != nil {
		return found{}, err
	}
	s.LastSeen, s.IP = timeOf(r.lastSeen), netip.Addr{}
	if err := s.IP.UnmarshalText([]byte(r.ip)); err != nil {
		return found{}, fmt.Errorf("%w: its ip is no address", session.ErrRecord)
	}
	if r.ending == nil {
		return found{session: s}, nil
	}
	ending, err := session.DecodeEnding(r.ending)
	if err != nil {
		return found{}, err
	}
	return found{s, &ending}, nil
}

// query reads all rows of a query for columns.
func (s *Store) query(ctx context.Context, in executor, template string, args ...any) ([]found, error) {
	return collect(ctx, in, s.text.of(template), args, func(rows *sql.Rows) (found, error) {
		var r row
		if err := r.scan(rows); err != nil {
			return found{}, err
		}
		return r.read(session.DecodeRecord)
	})
}

// collect reads the rows of a query with scan, all of them or none.
func collect[T any](ctx context.Context, in executor, query string, args []any, scan func(*sql.Rows) (T, error)) ([]T, error) {
	rows, err := in.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err has what there is to know
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// live are the live sessions of the user. That they are of the user was checked
// by the index; that their records are as well, is here.
func (s *Store) live(ctx context.Context, in executor, user string) ([]session.Session, error) {
	all, err := s.query(ctx, in, "SELECT "+columns+" FROM {session} WHERE owner = ? AND ended = 0", []byte(user))
	if err != nil {
		return nil, err
	}
	sessions := make([]session.Session, len(all))
	for i, one := range all {
		if sessions[i] = one.session; one.session.User != user {
			return nil, fmt.Errorf("%w: it is of another user", session.ErrRecord)
		}
	}
	return sessions, nil
}

// locked are those of the sessions that are there, live or ended, in the order
// of their IDs. Nobody else changes them until tx ends.
func (s *Store) locked(ctx context.Context, tx *sql.Tx, ids []session.ID) ([]found, error) {
	var all []found
	for some := range slices.Chunk(sorted(ids), perStatement) {
		more, err := s.query(ctx, tx, "SELECT "+columns+" FROM {session} WHERE id IN "+parameters(len(some))+
			" ORDER BY id"+s.text.dialect.forUpdate, some...)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

// sorted are the texts of the IDs, in the order in which all transactions lock
// them.
func sorted(ids []session.ID) []any {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	slices.Sort(texts)
	args := make([]any, len(texts))
	for i, text := range texts {
		args[i] = text
	}
	return args
}

// insert makes s live, or returns ErrExists.
func (s *Store) insert(ctx context.Context, in executor, started session.Session) error {
	record, err := session.EncodeRecord(started)
	if err != nil {
		return err
	}
	id := started.ID.String()
	result, err := in.ExecContext(ctx, s.text.of("INSERT INTO {session}"+
		" (id, owner, ended, last_seen, expires, idle, sweep_at, ip, record)"+
		" VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?)"+s.text.dialect.onConflict),
		id, []byte(started.User), instant(started.LastSeen), instant(started.Expires), int64(started.Idle),
		instant(started.Deadline()), addr(started.IP), record)
	if err != nil {
		return s.orExists(ctx, in, id, err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return session.ErrExists
}

// orExists is err, or ErrExists if that is why an INSERT failed, where the
// dialect has no way to pass over what is there, and over nothing else.
func (s *Store) orExists(ctx context.Context, in executor, id string, err error) error {
	if s.text.dialect.onConflict != "" || s.text.dialect.conflict(err) || ctx.Err() != nil {
		return err
	}
	var one int
	if in.QueryRowContext(ctx, s.text.of("SELECT 1 FROM {session} WHERE id = ?"+s.text.dialect.forUpdate), id).Scan(&one) != nil {
		return err
	}
	return session.ErrExists
}

// validate refuses what the tables do not hold.
func validate(started session.Session) error {
	switch user := started.User; {
	case started.ID.IsZero():
		return fmt.Errorf("the session has no ID")
	case user == "" || len(user) > session.MaxUser || !utf8.ValidString(user):
		return fmt.Errorf("the user's ID has %d bytes, want 1 to %d of valid UTF-8", len(user), session.MaxUser)
	}
	return nil
}

func addr(ip netip.Addr) string {
	text, _ := ip.MarshalText() // never fails
	return string(text)
}

// instant is t in nanoseconds since 1970, 0 for the zero time. What is beyond
// is as late, or as early, as can be.
func instant(t time.Time) int64 {
	const earliest, latest = math.MinInt64 / int64(time.Second), math.MaxInt64 / int64(time.Second)
	switch seconds := t.Unix(); {
	case t.IsZero():
		return 0
	case seconds <= earliest:
		return math.MinInt64
	case seconds >= latest:
		return math.MaxInt64
	default:
		return t.UnixNano()
	}
}

func timeOf(instant int64) time.Time {
	if instant == 0 {
		return time.Time{}
	}
	return time.Unix(0, instant).UTC()
}
