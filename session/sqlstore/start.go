package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/mooring-go/mooring/session"
)

// Start makes the session live and ends what replace says. It is one
// transaction, that takes as long as the user's own sessions. It waits for other
// steps of the user also where there is nothing to replace: EndUser would else
// leave live what had started before it ended the others.
func (s *Store) Start(ctx context.Context, started session.Session, replace session.Replace) ([]session.Ended, error) {
	return within(ctx, "start", func() ([]session.Ended, error) { return s.start(ctx, started, replace) })
}

func (s *Store) start(ctx context.Context, started session.Session, replace session.Replace) ([]session.Ended, error) {
	if err := validate(started); err != nil {
		return nil, err
	}
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	if replace.From.IsZero() && replace.FromPending {
		return nil, session.ErrNotFound
	}
	var ended []session.Ended
	err := s.transact(ctx, func(tx *sql.Tx) error {
		var err error
		if ended, err = s.replaced(ctx, tx, started, replace); err != nil {
			return err
		}
		if err := s.end(ctx, tx, ended); err != nil {
			return err
		}
		return s.insert(ctx, tx, started)
	})
	return ended, err
}

// replaced are the sessions that started takes the place of, locked, and how
// they are to end.
func (s *Store) replaced(ctx context.Context, tx *sql.Tx, started session.Session, replace session.Replace) ([]session.Ended, error) {
	if err := s.lock(ctx, tx, started.User); err != nil {
		return nil, err
	}
	causes := make(map[session.ID]session.Cause)
	if replace.Others || replace.Max > 0 {
		live, err := s.live(ctx, tx, started.User)
		if err != nil {
			return nil, err
		}
		for _, old := range superseded(live, started, replace) {
			causes[old.ID] = session.CauseMaxSessions
			if replace.Others {
				causes[old.ID] = session.CauseTerminated
			}
		}
	}
	ids := make([]session.ID, 0, len(causes)+1)
	for id := range causes {
		ids = append(ids, id)
	}
	known, err := s.known(ctx, tx, replace.From)
	if err != nil {
		return nil, err
	}
	if known {
		ids = append(ids, replace.From)
	}
	all, err := s.locked(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	var from *found
	var ended []session.Ended
	for _, one := range all {
		cause := causes[one.session.ID]
		if one.session.ID == replace.From {
			from, cause = &one, session.CauseReplaced
			if one.session.Pending {
				cause = session.CauseAnswered
			}
		}
		if one.ending == nil {
			ended = append(ended, session.Ended{Session: one.session, Ending: replace.Because(cause)})
		}
	}
	if replace.FromPending {
		return ended, answerable(from)
	}
	return ended, nil
}

// known reports whether the session is there, live or ended. MySQL, when it is
// to lock one that is not, locks the place where it would be, and there two
// transactions can be in each other's way.
func (s *Store) known(ctx context.Context, tx *sql.Tx, id session.ID) (bool, error) {
	if id.IsZero() {
		return false, nil
	}
	ones, err := collect(ctx, tx, s.text.of("SELECT 1 FROM {session} WHERE id = ?"), []any{id.String()},
		func(rows *sql.Rows) (one int, err error) { return one, rows.Scan(&one) })
	return len(ones) > 0, err
}

// answerable returns nil if from is live and pending.
func answerable(from *found) error {
	if from == nil {
		return session.ErrNotFound
	}
	live, err := from.live()
	if err == nil && !live.Pending {
		err = session.ErrNotFound
	}
	return err
}

// superseded are those of the user's live sessions that Others or Max end.
func superseded(live []session.Session, started session.Session, replace session.Replace) []session.Session {
	live = slices.DeleteFunc(live, func(s session.Session) bool {
		return s.Pending || s.ID == replace.From
	})
	if replace.Others {
		return live
	}
	live = slices.DeleteFunc(live, func(s session.Session) bool { return !s.Deadline().After(started.Created) })
	slices.SortFunc(live, func(a, b session.Session) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID.String(), b.ID.String()))
	})
	room := replace.Max
	if !started.Pending {
		room--
	}
	return live[:max(0, len(live)-room)]
}

// end records how sessions that are locked end.
func (s *Store) end(ctx context.Context, tx *sql.Tx, ended []session.Ended) error {
	byCause := make(map[session.Cause][]session.ID)
	endings := make(map[session.Cause]session.Ending) // they differ in nothing else
	for _, e := range ended {
		byCause[e.Ending.Cause] = append(byCause[e.Ending.Cause], e.Session.ID)
		endings[e.Ending.Cause] = e.Ending
	}
	for cause, ids := range byCause {
		record, err := session.EncodeEnding(endings[cause])
		if err != nil {
			return err
		}
		for some := range slices.Chunk(sorted(ids), perStatement) {
			args := append([]any{record, instant(endings[cause].Keep)}, some...)
			result, err := tx.ExecContext(ctx, s.text.of("UPDATE {session} SET ended = 1, ending = ?, sweep_at = ?"+
				" WHERE ended = 0 AND id IN "+parameters(len(some))), args...)
			if err != nil {
				return err
			}
			if n, err := result.RowsAffected(); err != nil || n != int64(len(some)) {
				return cmp.Or(err, fmt.Errorf("%d of %d locked sessions could be ended", n, len(some)))
			}
		}
	}
	return s.enter(ctx, tx, ended)
}
