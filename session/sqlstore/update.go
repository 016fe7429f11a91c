package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/mooring-go/mooring/session"
)

// Update makes the change in a live session, in one transaction, and returns it as it
// is then. It waits for other steps of the user, as one that renews the session.
func (s *Store) Update(ctx context.Context, id session.ID, change session.Update) (session.Session, error) {
	if id.IsZero() {
		return session.Session{}, session.ErrNotFound
	}
	var now session.Session // as it is where the change conflicts
	changed, err := within(ctx, s, "update", func() (session.Session, error) {
		changed, there, err := s.update(ctx, id, change)
		now = there
		return changed, err
	})
	if errors.Is(err, session.ErrConflict) {
		return now, err
	}
	return changed, err
}

// update returns the session as it is after the change, or as it is there, with the
// error of a conflict.
func (s *Store) update(ctx context.Context, id session.ID, change session.Update) (changed, there session.Session, err error) {
	if err := s.ready(ctx); err != nil {
		return changed, there, err
	}
	// Looked at first for its owner, whose turn it is. It may have ended, too.
	r, err := s.full(ctx, id)
	if err != nil {
		return changed, there, err
	}
	if r.ended {
		_, err := r.live()
		return changed, there, err
	}
	user := string(r.owner)
	err = s.inTurn(ctx, userTurn(user), func() error {
		return s.ofUser(ctx, user, func(tx *sql.Tx) error {
			if there, err = s.lockedLive(ctx, tx, id); err != nil {
				return err
			}
			changed = there
			if err := changed.Update(change); err != nil {
				return err
			}
			record, err := session.EncodeRecord(changed)
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, s.text.of("UPDATE {session} SET record = {bytes} WHERE id = {text}"), record, id.String())
			if err != nil {
				return err
			}
			return s.announce(ctx, tx, []session.Change{
				{Kind: session.ChangeUpdated, ID: id, User: changed.User, Restricted: changed.Drift.Restricted},
			})
		})
	})
	return changed, there, err
}
