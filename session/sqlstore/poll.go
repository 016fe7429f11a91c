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
	seq   int64 // of the latest change that was read; 0: there was none
	known bool  // seq is

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
}

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
	numbers, err := collect(ctx, s.db, s.text.of("SELECT seq FROM {change} ORDER BY seq DESC LIMIT {int}"), []any{maxMissing},
		func(rows *sql.Rows) (n int64, err error) { return n, rows.Scan(&n) })
	slices.Reverse(numbers)
	*at = position{missing: map[int64]time.Time{}}
	for _, n := range numbers {
		at.pass(n, time.Now())
	}
	at.known = true
	return err
}

// changesAfter reads what was missing and what comes after the position. It is an
// error if the change at the position is gone, since then others may be, too: the
// table was restored, or Watch has not looked for longer than changes are kept.
func (s *Store) changesAfter(ctx context.Context, at *position) (changes []keptChange, again bool, err error) {
	const columns = "SELECT seq, session_id, kind, detail, owner FROM {change} WHERE seq "
	now := time.Now()
	for some := range slices.Chunk(at.looked(now), perStatement) {
		args := anys(padded(some))
		late, err := collect(ctx, s.db, s.text.of(columns+"IN "+list(len(args), "{int}")+" ORDER BY seq"), args, scanChange)
		if err != nil {
			return nil, false, err
		}
		for _, c := range late {
			delete(at.missing, c.seq)
		}
		changes = append(changes, late...)
	}
	next, err := collect(ctx, s.db, s.text.of(columns+">= {int} ORDER BY seq LIMIT {int}"), []any{at.seq, perPoll}, scanChange)
	if err != nil {
		return nil, false, err
	}
	if at.seq > 0 {
		if len(next) == 0 || next[0].seq != at.seq {
			return nil, false, fmt.Errorf("the change of number %d is gone", at.seq)
		}
		next = next[1:]
	}
	for _, c := range next {
		at.pass(c.seq, now)
	}
	if len(at.missing) > maxMissing {
		return nil, false, fmt.Errorf("%d changes are missing, want up to %d", len(at.missing), maxMissing)
	}
	return append(changes, next...), len(next) >= perPoll-1, nil
}

func scanChange(rows *sql.Rows) (c keptChange, err error) {
	return c, rows.Scan(&c.seq, &c.id, &c.kind, &c.detail, &c.user)
}

// clone returns a position that shares nothing with p.
func (p position) clone() position {
	return position{p.seq, p.known, maps.Clone(p.missing)}
}

// pass moves the position to the number, and notes those between that were not there.
func (p *position) pass(number int64, now time.Time) {
	for n := p.seq + 1; n < number && p.known && len(p.missing) <= maxMissing; n++ {
		p.missing[n] = now
	}
	p.seq, p.known = number, true
}

// looked returns the missing numbers that are still looked for.
func (p *position) looked(now time.Time) []int64 {
	maps.DeleteFunc(p.missing, func(_ int64, since time.Time) bool { return now.Sub(since) > missingFor })
	return slices.Sorted(maps.Keys(p.missing))
}
