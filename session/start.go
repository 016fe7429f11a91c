package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Start makes s live under a new token, gives the token to the client and ends
// what s replaces: besides what replace says, whatever session the client's
// token stood for so far. It fills in s.ID and, where they are zero, s.Created
// and s.LastSeen, and returns s.
//
// Where the client's token before was of another user, or nobody knows whose,
// the carrier is cleared first. A session whose token cannot be given to the
// client is ended again.
func (m *Manager) Start(w http.ResponseWriter, r *http.Request, s Session, replace Replace) (Session, error) {
	before, err := m.config.Carrier.Read(r)
	if err != nil {
		return Session{}, fmt.Errorf("session: reading the token: %w", err)
	}
	now := Now()
	if s.Created.IsZero() {
		s.Created = now
	}
	if s.LastSeen.IsZero() {
		s.LastSeen = now
	}
	token := NewToken(s.User)
	s.ID = token.ID()
	replace.Ending = m.complete(replace.Ending)

	ctx, cancel := m.bound(r.Context())
	defer cancel()
	foreign := false
	if !before.IsZero() {
		if replace.From.IsZero() {
			replace.From = before.ID()
		}
		if foreign, err = m.foreign(ctx, before.ID(), s.User); err != nil {
			return Session{}, err
		}
	}
	ended, err := m.config.Store.Start(ctx, s, replace)
	if err != nil {
		return Session{}, fmt.Errorf("session: starting: %w", err)
	}
	m.tell(r.Context(), ended...)
	if err := m.give(w, r, token, s.MaxAge, foreign); err != nil {
		_, endErr := m.End(context.WithoutCancel(r.Context()), s.ID, Ending{Cause: CauseNotCarried})
		return Session{}, errors.Join(fmt.Errorf("session: writing the token: %w", err), endErr)
	}
	return s, nil
}

// foreign reports whether the session of the ID is not known to be the user's.
func (m *Manager) foreign(ctx context.Context, id ID, user string) (bool, error) {
	s, err := m.config.Store.Get(ctx, id)
	if ended, ok := errors.AsType[*EndedError](err); ok {
		return ended.Session.User != user, nil
	}
	if errors.Is(err, ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("session: getting the session before: %w", err)
	}
	return s.User != user, nil
}

func (m *Manager) give(w http.ResponseWriter, r *http.Request, token Token, maxAge time.Duration, clearFirst bool) error {
	if clearFirst {
		if err := m.config.Carrier.Clear(w, r); err != nil {
			return err
		}
	}
	return m.config.Carrier.Write(w, r, token, maxAge)
}
