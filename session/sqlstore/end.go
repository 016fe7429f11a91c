package sqlstore

import (
	"context"
	"database/sql"

	"github.com/mooring-go/mooring/session"
)

// End ends a live session and returns it.
func (s *Store) End(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	if id.IsZero() {
		return session.Session{}, session.ErrNotFound
	}
	return within(ctx, "end", func() (ended session.Session, err error) {
		if err := s.ready(ctx); err != nil {
			return session.Session{}, err
		}
		err = s.transact(ctx, func(tx *sql.Tx) error {
			var err error
			if ended, err = s.lockedLive(ctx, tx, id); err != nil {
				return err
			}
			return s.end(ctx, tx, []session.Ended{{Session: ended, Ending: ending}})
		})
		return ended, err
	})
}

// EndUser ends the live sessions of the user, but for the one to keep.
func (s *Store) EndUser(ctx context.Context, user string, keep session.ID, ending session.Ending) ([]session.Session, error) {
	return within(ctx, "end user", func() ([]session.Session, error) {
		return s.endUser(ctx, user, keep, ending)
	})
}

func (s *Store) endUser(ctx context.Context, user string, keep session.ID, ending session.Ending) ([]session.Session, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	var ended []session.Session
	err := s.transact(ctx, func(tx *sql.Tx) error {
		ended = nil
		if err := s.lock(ctx, tx, user); err != nil {
			return err
		}
		live, err := s.live(ctx, tx, user)
		if err != nil {
			return err
		}
		var ids []session.ID
		for _, one := range live {
			if one.ID != keep {
				ids = append(ids, one.ID)
			}
		}
		all, err := s.locked(ctx, tx, ids)
		if err != nil {
			return err
		}
		var endings []session.Ended
		for _, one := range all {
			if one.ending == nil {
				ended = append(ended, one.session)
				endings = append(endings, session.Ended{Session: one.session, Ending: ending})
			}
		}
		return s.end(ctx, tx, endings)
	})
	return ended, err
}
