package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"

	"github.com/mooring-go/mooring/session"
)

// mostPerStep is how many sessions one transaction ends at the most.
const mostPerStep = 1600

// End ends a live session and returns it.
func (s *Store) End(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	if id.IsZero() {
		return session.Session{}, session.ErrNotFound
	}
	return within(ctx, s, "end", func() (session.Session, error) { return s.endOne(ctx, id, ending) })
}

func (s *Store) endOne(ctx context.Context, id session.ID, ending session.Ending) (ended session.Session, err error) {
	if err := s.ready(ctx); err != nil {
		return ended, err
	}
	// It is looked at first to know its user, who takes turns. It may have ended.
	r, err := s.full(ctx, id)
	if err != nil {
		return ended, err
	}
	if r.ended {
		return r.live()
	}
	user := string(r.owner)
	err = s.inTurn(ctx, userTurn(user), func() error {
		return s.ofUser(ctx, user, func(tx *sql.Tx) error {
			rows, err := s.locked(ctx, tx, []string{id.String()})
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				return session.ErrNotFound
			}
			if ended, err = rows[0].live(); err != nil {
				return err
			}
			return s.end(ctx, tx, []verdict{{rows[0], ending}})
		})
	})
	return ended, err
}

// full returns the row of a session, or ErrNotFound.
func (s *Store) full(ctx context.Context, id session.ID) (r fullRow, err error) {
	err = s.retry(ctx, func() error {
		rows, err := s.current(ctx, "id = {text}", id.String())
		if err == nil && len(rows) == 0 {
			err = session.ErrNotFound
		}
		if err == nil {
			r = rows[0]
		}
		return err
	})
	return r, err
}

// EndUser ends the live sessions of the user that are of one of the kinds, but for the
// one to keep. Where they are many it takes several transactions, and returns what it
// ended even if a later one fails. It ends those whose records cannot be read, too, and
// returns of them what List does.
func (s *Store) EndUser(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error) {
	var ended made[session.Session]
	err := withinAlone(ctx, s, "end user", func() error {
		if err := s.ready(ctx); err != nil {
			return err
		}
		return s.inTurn(ctx, userTurn(user), func() error { return s.endUser(ctx, user, keep, ending, kinds, &ended) })
	})
	return ended.soFar(), err
}

// endUser ends the oldest first, more with each transaction. It looks again from the
// beginning until there are none, because others may have started meanwhile.
func (s *Store) endUser(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds []session.Kind, ended *made[session.Session]) error {
	type light struct {
		id      string
		created int64
	}
	template := s.text.of("SELECT id, created FROM {session} WHERE owner = {bytes} AND ended = 0 AND created >= {int} AND id <> {text}" +
		ofKinds(len(kinds)) + " ORDER BY created LIMIT {int}")
	from := int64(math.MinInt64)
	for most := session.EndBatch; ; most = min(2*most, mostPerStep) {
		var some []light
		var sessions []session.Session
		err := s.ofUser(ctx, user, func(tx *sql.Tx) error {
			args := slices.Concat([]any{[]byte(user), from, keep.String()}, kindArgs(kinds), []any{most})
			var err error
			some, err = collect(ctx, tx, template, args, func(rows *sql.Rows) (l light, err error) { return l, rows.Scan(&l.id, &l.created) })
			if err != nil {
				return err
			}
			ids := make([]string, len(some))
			for i, one := range some {
				ids[i] = one.id
			}
			rows, err := s.locked(ctx, tx, ids)
			if err != nil {
				return err
			}
			var verdicts []verdict
			sessions = nil
			for _, r := range rows {
				if !r.ended {
					verdicts, sessions = append(verdicts, verdict{r, ending}), append(sessions, r.session())
				}
			}
			return s.end(ctx, tx, verdicts)
		})
		if err != nil {
			return err
		}
		ended.add(sessions)
		if len(some) == most {
			from = some[len(some)-1].created // not to pass again over what the index still has of those before
		} else if from == math.MinInt64 {
			return nil
		} else {
			from = math.MinInt64
		}
	}
}

// A verdict is the ending of a session whose row is locked.
type verdict struct {
	row    fullRow
	ending session.Ending
}

// end records the endings of live and locked sessions, and enters those that are to be
// delivered into the journal.
func (s *Store) end(ctx context.Context, tx *sql.Tx, verdicts []verdict) error {
	type kept struct {
		ending string
		keep   int64
	}
	same := make(map[kept][]any)
	for _, v := range verdicts {
		record, err := session.EncodeEnding(v.ending)
		if err != nil {
			return err
		}
		k := kept{string(record), instant(v.ending.Keep)}
		same[k] = append(same[k], v.row.id)
	}
	for k, ids := range same {
		n, err := s.each(ctx, tx, "UPDATE {session} SET ended = 1, ending = {bytes}, sweep_at = {int} WHERE ended = 0 AND id", "{text}", ids, []byte(k.ending), k.keep)
		if err != nil || n != int64(len(ids)) {
			return cmp.Or(err, fmt.Errorf("%d of %d locked sessions could be ended", n, len(ids)))
		}
	}
	if err := s.enter(ctx, tx, verdicts); err != nil {
		return err
	}
	return s.announce(ctx, tx, endings(verdicts))
}
