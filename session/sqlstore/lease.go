package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/mooring-go/mooring/session"
)

const (
	// mostRounds is how often one Lease looks on where it found only endings that are
	// to be forgotten.
	mostRounds = 10
	// ownersPerStatement is the number of users at most whose first endings one
	// statement reads.
	ownersPerStatement = 64
)

// An entry is a row of the journal.
type entry struct {
	seq   int64
	id    string
	owner []byte
	held  bool
}

// Lease returns undelivered endings, each user's in the order in which they
// happened. Leases are given out one call at a time, in one short transaction.
// Where many users wait, each gets a share of limit.
//
// An ending whose row cannot be read is passed over, for a process that can, and
// forgotten with its Keep. It is an error only where there is nothing else to
// return. Of a session whose record cannot be read it returns what List does.
func (s *Store) Lease(ctx context.Context, term time.Duration, limit int) ([]session.Ended, error) {
	if limit <= 0 {
		return nil, nil
	}
	return within(ctx, s, "lease", func() ([]session.Ended, error) {
		if err := s.ready(ctx); err != nil {
			return nil, err
		}
		for round := 1; ; round++ {
			var l lease
			err := s.transact(ctx, func(tx *sql.Tx) error {
				l = lease{}
				return s.lease(ctx, tx, max(term, 0), limit, &l)
			})
			if err != nil || len(l.ended) > 0 {
				return l.ended, err
			}
			if len(l.mended) == 0 || round == mostRounds {
				return nil, l.unread
			}
		}
	})
}

// A lease is what one transaction found, by what it does with it.
type lease struct {
	ended  []session.Ended
	taken  []any    // rows of the journal: what ended has
	owners [][]byte // whose they are

	aside  []any    // rows whose endings are to be forgotten
	mended [][]byte // whose they were, and users who were in the queue for nothing

	unread       error // why others cannot be read
	unreadOwners [][]byte
}

func (s *Store) lease(ctx context.Context, tx *sql.Tx, term time.Duration, limit int, l *lease) error {
	if err := s.lock(ctx, tx, "journal"); err != nil {
		return err
	}
	lock := s.text.dialect.forUpdate
	if s.skipLocked.Load() {
		lock += " SKIP LOCKED"
	}
	owners, err := collect(ctx, tx, s.text.of("SELECT owner FROM {queue} WHERE free_at <= {now} ORDER BY free_at LIMIT {int}"+lock), []any{limit}, scanBytes)
	if err != nil || len(owners) == 0 {
		return err
	}
	entries, err := s.first(ctx, tx, owners, limit, l)
	if err != nil {
		return err
	}
	if err := s.sort(ctx, tx, entries, l); err != nil {
		return err
	}
	for _, change := range []struct {
		template, of string
		names        []any
		args         []any
	}{
		{"UPDATE {journal} SET held_until = {now} + {int} WHERE seq", "{int}", l.taken, []any{int64(term)}},
		{"UPDATE {journal} SET owner = {bytes} WHERE seq", "{int}", l.aside, []any{[]byte{}}},
	} {
		if _, err := s.each(ctx, tx, change.template, change.of, change.names, change.args...); err != nil {
			return err
		}
	}
	if err := s.settle(ctx, tx, distinct(slices.Concat(l.owners, l.mended))); err != nil {
		return err
	}
	// Users whose endings cannot be read come again when others have had a turn.
	_, err = s.each(ctx, tx, "UPDATE {queue} SET free_at = {now} + {int} WHERE owner", "{bytes}", anys(distinct(l.unreadOwners)), int64(term))
	return err
}

// first returns the first free rows of the users in the journal, up to limit, those of
// one user in order. Where there are more, each user has an equal share.
func (s *Store) first(ctx context.Context, tx *sql.Tx, owners [][]byte, limit int, l *lease) ([]entry, error) {
	share := max(1, 2*limit/len(owners))
	var entries []entry
	for some := range slices.Chunk(owners, ownersPerStatement) {
		var selects []string
		var args []any
		for i, owner := range padded(some) {
			n := 0 // what it is padded with gives nothing
			if i < len(some) {
				n = share
			}
			selects = append(selects, "SELECT * FROM (SELECT seq, session_id, owner, CASE WHEN held_until > {now} THEN 1 ELSE 0 END AS held"+
				" FROM {journal} WHERE owner = {bytes} ORDER BY seq LIMIT {int}) AS of_one")
			args = append(args, owner, n)
		}
		more, err := collect(ctx, tx, s.text.of(strings.Join(selects, " UNION ALL ")), args, func(rows *sql.Rows) (e entry, err error) {
			return e, rows.Scan(&e.seq, &e.id, &e.owner, &e.held)
		})
		if err != nil {
			return nil, err
		}
		entries = append(entries, more...)
	}
	byOwner := make(map[string][]entry)
	for _, e := range entries {
		byOwner[string(e.owner)] = append(byOwner[string(e.owner)], e)
	}
	entries = entries[:0]
	for _, owner := range owners {
		of := byOwner[string(owner)]
		slices.SortFunc(of, func(a, b entry) int { return cmp.Compare(a.seq, b.seq) })
		if len(of) == 0 || of[0].held {
			l.mended = append(l.mended, owner)
		}
		for _, e := range of {
			if e.held || len(entries) == limit {
				break // nobody gets a later one
			}
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// sort reads the endings of the rows, and decides what to do with each.
func (s *Store) sort(ctx context.Context, tx *sql.Tx, entries []entry, l *lease) error {
	ids := make([]any, len(entries))
	for i, e := range entries {
		ids[i] = e.id
	}
	type kept struct {
		row  fullRow
		over bool // its Keep has come
	}
	known := make(map[string]kept)
	for some := range slices.Chunk(ids, perStatement) {
		some = padded(some)
		rows, err := collect(ctx, tx, s.text.of("SELECT "+allColumns+", CASE WHEN sweep_at > {now} THEN 0 ELSE 1 END AS past FROM {session} WHERE id IN "+list(len(some), "{text}")), some,
			func(rows *sql.Rows) (k kept, err error) {
				r := &k.row
				return k, rows.Scan(&r.record, &r.lastSeen, &r.ip, &r.ending,
					&r.id, &r.owner, &r.kind, &r.ended, &r.created, &r.expires, &r.idle, &r.tellExpiry, &r.sweepAt, &k.over)
			})
		if err != nil {
			return err
		}
		for _, k := range rows {
			known[k.row.id] = k
		}
	}
	for _, e := range entries {
		k, there := known[e.id]
		if !there || k.over || !k.row.ended {
			l.aside, l.mended = append(l.aside, e.seq), append(l.mended, e.owner)
			continue
		}
		ending, err := session.DecodeEnding(k.row.ending)
		if err != nil {
			l.unread, l.unreadOwners = err, append(l.unreadOwners, e.owner)
			continue
		}
		l.ended = append(l.ended, session.Ended{Session: k.row.session(), Ending: ending})
		l.taken, l.owners = append(l.taken, e.seq), append(l.owners, e.owner)
	}
	return nil
}
