package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// Start is [Manager.Issue] for the client that sent r, which it gives the token.
// It ends, as replace.Before says, the session that the client had until now, if the
// Stage of s signed that in too, or another stage that has the carrier in common: see
// [Named]. The token of another stage that has a carrier of its own is none here, whoever
// put it into this one's place. Where that was of another user, or nobody knows whose, the carrier is cleared
// first. A session whose token cannot be given to the client is ended again.
func (m *Manager) Start(w http.ResponseWriter, r *http.Request, s Session, replace Replace) (Session, error) {
	s.Carrier = carrierName(m.config.Carrier, r)
	before, err := m.config.Carrier.Read(r)
	if err != nil {
		return Session{}, fmt.Errorf("session: reading the token: %w", err)
	}
	foreign := false
	if !before.IsZero() {
		var inPlace bool
		if foreign, inPlace, err = m.foreign(r.Context(), before.ID(), s); err != nil {
			return Session{}, err
		}
		if replace.Before.IsZero() && inPlace {
			replace.Before = before.ID()
		}
	}
	token, s, err := m.Issue(r.Context(), s, replace)
	if err != nil {
		return Session{}, err
	}
	if foreign {
		err = m.config.Carrier.Clear(w, r)
	}
	if err == nil {
		err = m.config.Carrier.Write(w, r, token, s.MaxAge)
	}
	if err != nil {
		return Session{}, m.notCarried(r.Context(), s, err)
	}
	return s, nil
}

// Carry gives the token of s, which Issue returned, to the client by another
// carrier than the manager's. A session whose token cannot be given to the client
// is ended again.
func (m *Manager) Carry(w http.ResponseWriter, r *http.Request, carrier Carrier, token Token, s Session) error {
	if err := carrier.Write(w, r, token, s.MaxAge); err != nil {
		return m.notCarried(r.Context(), s, err)
	}
	return nil
}

// notCarried ends s, whose token was not written, and returns why.
func (m *Manager) notCarried(ctx context.Context, s Session, err error) error {
	_, endErr := m.End(context.WithoutCancel(ctx), s.ID, Ending{Cause: CauseNotCarried})
	return errors.Join(fmt.Errorf("session: writing the token: %w", err), endErr)
}

// foreign reports whether the session of the ID is not known to be of the user of s, and
// whether it lives in the place that s takes.
func (m *Manager) foreign(ctx context.Context, id ID, s Session) (foreign, inPlace bool, err error) {
	bounded, cancel := m.bound(ctx)
	defer cancel()
	before, err := m.config.Store.Get(bounded, id)
	if ended, ok := errors.AsType[*EndedError](err); ok {
		return ended.Session.User != s.User, false, nil
	}
	if errors.Is(err, ErrNotFound) {
		return true, false, nil
	}
	if err != nil {
		return false, false, fmt.Errorf("session: getting the session before: %w", err)
	}
	inPlace = before.Stage == s.Stage || (s.Carrier != "" && before.Carrier == s.Carrier)
	return before.User != s.User, inPlace, nil
}

// Load is [Manager.Authenticate] with the token that came with r. A client that
// hangs up meanwhile does not end it.
func (m *Manager) Load(r *http.Request) (Session, error) {
	id, err := m.Carried(r)
	if err != nil {
		return Session{}, err
	}
	var s Session
	_, _, err = m.Fill(r.Context(), &s, id)
	return s, err
}

// Carried returns the ID of the token that came with r. ErrNotFound: it has none.
// Whether there is a session of that ID is not looked for.
func (m *Manager) Carried(r *http.Request) (ID, error) {
	var id ID
	if cookie, ok := m.config.Carrier.(Cookie); ok { // the token itself is not needed
		value, _ := cookie.Value(r)
		id = idOf(value)
	} else {
		token, err := m.config.Carrier.Read(r)
		if err != nil {
			return ID{}, fmt.Errorf("session: reading the token: %w", err)
		}
		id = token.ID()
	}
	if id.IsZero() {
		return ID{}, ErrNotFound
	}
	return id, nil
}

// Clear takes the token from the client. It does not end the session.
func (m *Manager) Clear(w http.ResponseWriter, r *http.Request) error {
	if err := m.config.Carrier.Clear(w, r); err != nil {
		return fmt.Errorf("session: clearing the carrier: %w", err)
	}
	return nil
}
