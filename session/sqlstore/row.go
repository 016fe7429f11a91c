package sqlstore

import (
	"cmp"
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
const perStatement = 512

// columns are what Get needs to read a session and its ending.
const columns = "record, last_seen, ip, ending"

// allColumns are what every other method reads.
const allColumns = columns + ", id, owner, kind, ended, created, expires, idle, tell_expiry, sweep_at"

// noAllColumns are what a replica returns in place of all columns.
const noAllColumns = "NULL, 0, '', NULL, '', '', '', 0, 0, 0, 0, 0, 0"

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

// A full row is all that is kept of a session. Its columns are enough to end it, even
// if its record cannot be read.
type fullRow struct {
	row
	id                                 string
	owner                              []byte
	kind                               string
	ended                              bool
	created, expires, idle, tellExpiry int64
	sweepAt                            int64
}

func scanFull(rows *sql.Rows) (r fullRow, err error) {
	return r, rows.Scan(&r.record, &r.lastSeen, &r.ip, &r.ending,
		&r.id, &r.owner, &r.kind, &r.ended, &r.created, &r.expires, &r.idle, &r.tellExpiry, &r.sweepAt)
}

// session returns the session of the row. Where its record cannot be read, or is of
// another session, it returns what the columns say.
func (r fullRow) session() session.Session {
	id, _ := session.ParseID(r.id) // of one that is no ID: the zero ID
	s, err := session.DecodeRecord(r.record)
	if err != nil || s.ID != id || s.User != string(r.owner) {
		s = session.Session{
			ID: id, Kind: session.Kind(r.kind), User: string(r.owner), Created: timeOf(r.created), Expires: timeOf(r.expires),
			Idle: time.Duration(r.idle), TellExpiry: time.Duration(r.tellExpiry),
		}
	}
	s.LastSeen, s.IP = timeOf(r.lastSeen), netip.Addr{}
	_ = s.IP.UnmarshalText([]byte(r.ip)) // of one that is no address: unknown
	return s
}

// candidate returns the session of the row as [session.Replace.Choose] judges it.
func (r fullRow) candidate() session.Candidate {
	id, _ := session.ParseID(r.id)
	limits := session.Session{LastSeen: timeOf(r.lastSeen), Expires: timeOf(r.expires), Idle: time.Duration(r.idle)}
	return session.Candidate{ID: id, User: string(r.owner), Kind: session.Kind(r.kind), Created: timeOf(r.created), Deadline: limits.Deadline()}
}

// live returns the session of the row, or *EndedError.
func (r fullRow) live() (session.Session, error) {
	f := found{session: r.session()}
	if r.ended {
		ending, err := session.DecodeEnding(r.ending)
		if err != nil {
			return session.Session{}, err
		}
		f.ending = &ending
	}
	return f.live()
}

// rows returns the full rows that a template, WHERE and what follows, selects.
func (s *Store) rows(ctx context.Context, in executor, template string, args ...any) ([]fullRow, error) {
	return collect(ctx, in, s.text.of("SELECT "+allColumns+" FROM {session} "+template), args, scanFull)
}

// current returns the full rows that a condition selects, outside of a transaction, as
// the primary has them.
func (s *Store) current(ctx context.Context, where string, args ...any) (rows []fullRow, err error) {
	err = s.onOne(ctx, func(in executor) (err error) {
		rows, err = collect(ctx, in, s.text.of(s.text.onlyPrimary(allColumns, noAllColumns, "{session}", where, "")), args, scanFull)
		if err == nil && len(rows) > 0 && rows[0].record == nil && s.text.dialect.replica != "" {
			err = errReplica
		}
		return err
	})
	return rows, err
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

// locked returns those of the sessions that have a row, live or ended. Nobody else
// changes them until tx ends. All transactions lock in the order of the IDs.
func (s *Store) locked(ctx context.Context, tx *sql.Tx, ids []string) ([]fullRow, error) {
	var all []fullRow
	for some := range slices.Chunk(slices.Sorted(slices.Values(ids)), perStatement) {
		args := anys(padded(some))
		more, err := s.rows(ctx, tx, "WHERE id IN "+list(len(args), "{text}")+" ORDER BY id"+s.text.dialect.forUpdate, args...)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

// each executes the template, to which an IN and the names are appended, for some of
// the names at a time, and returns how many rows it met.
func (s *Store) each(ctx context.Context, tx *sql.Tx, template, of string, names []any, args ...any) (met int64, err error) {
	for some := range slices.Chunk(names, perStatement) {
		some = padded(some)
		result, err := tx.ExecContext(ctx, s.text.of(template+" IN "+list(len(some), of)), slices.Concat(args, some)...)
		if err != nil {
			return met, err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return met, err
		}
		met += n
	}
	return met, nil
}

func anys[T any](all []T) []any {
	converted := make([]any, len(all))
	for i, one := range all {
		converted[i] = one
	}
	return converted
}

// insert makes s live, or returns ErrExists.
func (s *Store) insert(ctx context.Context, tx *sql.Tx, started session.Session) error {
	record, err := session.EncodeRecord(started)
	if err != nil {
		return err
	}
	id := started.ID.String()
	result, err := tx.ExecContext(ctx, s.text.of("INSERT INTO {session}"+
		" (id, owner, kind, tenant, ended, created, last_seen, expires, idle, tell_expiry, sweep_at, ip, record)"+
		" VALUES ({text}, {bytes}, {text}, {text}, 0, {int}, {int}, {int}, {int}, {int}, {int}, {text}, {bytes})"+s.text.dialect.onConflict),
		id, []byte(started.User), string(started.Kind), started.Tenant, instant(started.Created), instant(started.LastSeen), instant(started.Expires),
		int64(started.MaxUnused()), int64(started.TellExpiry), instant(started.Deadline()), addr(started.IP), record)
	if err != nil {
		return s.orExists(ctx, tx, id, err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return session.ErrExists
}

// orExists returns ErrExists if that is why an INSERT failed, in a dialect that cannot
// pass over exactly the rows that are there, and err otherwise.
func (s *Store) orExists(ctx context.Context, in executor, id string, err error) error {
	d := s.text.dialect
	if d.onConflict != "" || d.failures.is(err, d.failures.conflict) || ctx.Err() != nil {
		return err
	}
	var one int
	if in.QueryRowContext(ctx, s.text.of("SELECT 1 FROM {session} WHERE id = {text}"+d.forUpdate), id).Scan(&one) != nil {
		return err
	}
	return session.ErrExists
}

// The most bytes that the columns kind and ip hold.
const (
	maxKind = 64
	maxAddr = 255
)

// validate refuses what the tables do not hold.
func validate(s session.Session) error {
	if err := s.Validate(); err != nil {
		return err
	}
	switch {
	case !utf8.ValidString(s.User):
		return fmt.Errorf("%w: User is not valid UTF-8", session.ErrInvalid)
	case len(s.Kind) > maxKind:
		return fmt.Errorf("%w: Kind of %d bytes, want up to %d", session.ErrInvalid, len(s.Kind), maxKind)
	case len(addr(s.IP)) > maxAddr:
		return fmt.Errorf("%w: IP with a zone of %d bytes, want up to %d in all", session.ErrInvalid, len(s.IP.Zone()), maxAddr)
	}
	return nil
}

func addr(ip netip.Addr) string {
	text, _ := ip.MarshalText() // never fails
	return string(text)
}

// instant returns t in nanoseconds since 1970, 0 for the zero time. A time out of range
// is the first or the last that there is.
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

// byAge returns the order of List: the latest sign-in first.
func byAge(a, b session.Session) int {
	return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID.String(), b.ID.String()))
}
