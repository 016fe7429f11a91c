package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/mooring-go/mooring/session"
)

// A position is up to where a Watch has read the changes in their table.
type position struct {
	seq   int64  // of the latest change that was read; 0: there was none
	mark  string // what the change of that number is: after a failover it may be another one
	known bool   // seq is

	// missing are numbers below seq that were not there: they are of transactions
	// that may commit yet, or that were undone. It has when each was missed first.
	missing map[int64]time.Time
}

const (
	// missingFor is how long a missing number is looked for: longer than any
	// transaction is between its last statement and its commit.
	missingFor = time.Minute
	// maxMissing is how many missing numbers are looked for at the most.
	maxMissing = 4096
	// perPoll is how many changes one statement reads.
	perPoll = 1000
)

// A kept change is a row of the table.
type keptChange struct {
	seq                    int64
	id, kind, detail, user string
	made                   int64
}

// mark tells the change from another one of its number.
func (c keptChange) mark() string { return fmt.Sprint(c.id, " ", c.made) }

// poll looks for changes every so often and tells of them, until it fails. It returns
// whether it was connected, and why it is no longer.
func (s *Store) poll(ctx context.Context, every time.Duration, tell func(session.Change)) (connected bool, err error) {
	at := position{missing: map[int64]time.Time{}}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		looked := time.Now() // what was committed before is seen
		changes, again, err := s.read(ctx, every, &at, connected)
		if err != nil {
			return connected, err
		}
		if !connected {
			connected = true
			tell(session.Change{Kind: session.ChangeConnected, Heard: time.Now()}) // not looked: what came since may be before the position
		} else {
			for _, c := range changes {
				if change, ok := changeOf(c.kind, c.detail, c.id, c.user); ok {
					tell(change)
				}
			}
			if !again {
				tell(session.Change{Kind: session.ChangeHeard, Heard: looked})
			}
		}
		if again {
			continue
		}
		select {
		case <-ctx.Done():
			return connected, ctx.Err()
		case <-tick.C:
		}
	}
}

// read returns the changes after the position, which it moves, or finds where they end
// if there was no position before. It reports whether there may be more.
func (s *Store) read(ctx context.Context, every time.Duration, at *position, connected bool) (changes []keptChange, again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience(every))
	defer cancel()
	type found struct {
		changes []keptChange
		next    position
		again   bool
	}
	got, err := within(ctx, s, "looking for changes", func() (f found, err error) {
		if err := s.ready(ctx); err != nil {
			return found{}, err
		}
		err = s.retry(ctx, func() (err error) {
			f = found{next: at.clone()}
			if !connected {
				return s.begin(ctx, &f.next)
			}
			f.changes, f.again, err = s.changesAfter(ctx, &f.next)
			return err
		})
		return f, err
	})
	if err == nil {
		*at = got.next
	}
	return got.changes, got.again, err
}

// begin finds the latest change, and what may yet be committed before it.
func (s *Store) begin(ctx context.Context, at *position) error {
	latest, err := s.changes(ctx, "seq > {int}", " ORDER BY seq DESC LIMIT {int}", 0, maxMissing)
	slices.Reverse(latest)
	*at = position{missing: map[int64]time.Time{}}
	for _, c := range latest {
		at.pass(c, time.Now())
	}
	at.known = true
	return err
}

// changes returns the changes that a condition selects, and what follows it.
func (s *Store) changes(ctx context.Context, where, tail string, args ...any) (all []keptChange, err error) {
	query := s.text.of(s.text.onlyPrimary("seq, session_id, kind, detail, owner, made", "NULL, '', '', '', '', 0", "{change}", where, tail))
	err = s.onOne(ctx, func(in executor) (err error) {
		all, err = collect(ctx, in, query, args, scanChange)
		return err
	})
	return all, err
}

// changesAfter reads what was missing and what comes after the position. It is an
// error if the change at the position is gone, or another one has its number, since then
// others may be missed, too: the table was restored, a replica took over that had not
// received it, or Watch has not looked for longer than changes are kept.
func (s *Store) changesAfter(ctx context.Context, at *position) (changes []keptChange, again bool, err error) {
	now := time.Now()
	for some := range slices.Chunk(at.looked(now), perStatement) {
		args := anys(padded(some))
		late, err := s.changes(ctx, "seq IN "+list(len(args), "{int}"), " ORDER BY seq", args...)
		if err != nil {
			return nil, false, err
		}
		for _, c := range late {
			delete(at.missing, c.seq)
		}
		changes = append(changes, late...)
	}
	next, err := s.changes(ctx, "seq >= {int}", " ORDER BY seq LIMIT {int}", at.seq, perPoll)
	if err != nil {
		return nil, false, err
	}
	if at.seq > 0 {
		if len(next) == 0 || next[0].seq != at.seq {
			return nil, false, fmt.Errorf("the change of number %d is gone", at.seq)
		}
		if next[0].mark() != at.mark {
			return nil, false, fmt.Errorf("the change of number %d is another one", at.seq)
		}
		next = next[1:]
	}
	for _, c := range next {
		at.pass(c, now)
	}
	if len(at.missing) > maxMissing {
		return nil, false, fmt.Errorf("%d changes are missing, want up to %d", len(at.missing), maxMissing)
	}
	return append(changes, next...), len(next) >= perPoll-1, nil
}

func scanChange(rows *sql.Rows) (c keptChange, err error) {
	var seq sql.NullInt64
	err = rows.Scan(&seq, &c.id, &c.kind, &c.detail, &c.user, &c.made)
	if err == nil && !seq.Valid {
		err = errReplica
	}
	c.seq = seq.Int64
	return c, err
}

// clone returns a position that shares nothing with p.
func (p position) clone() position {
	return position{p.seq, p.mark, p.known, maps.Clone(p.missing)}
}

// pass moves the position to the change, and notes the numbers between that were not
// there.
func (p *position) pass(c keptChange, now time.Time) {
	for n := p.seq + 1; n < c.seq && p.known && len(p.missing) <= maxMissing; n++ {
		p.missing[n] = now
	}
	p.seq, p.mark, p.known = c.seq, c.mark(), true
}

// looked returns the missing numbers that are still looked for.
func (p *position) looked(now time.Time) []int64 {
	maps.DeleteFunc(p.missing, func(_ int64, since time.Time) bool { return now.Sub(since) > missingFor })
	return slices.Sorted(maps.Keys(p.missing))
}
