package loginstage

import (
	"fmt"
	"net/http"

	"github.com/mooring-go/mooring/session"
)

// Confirm lifts the restriction of the session that the request was sent in,
// after the host has proved the user again. The session goes on under a new
// token, bound to where the request came from, for as long as it would have
// lived. A client that is not signed in gets [session.ErrNotFound] or
// [*session.EndedError].
func (l *UserLogin) Confirm(w http.ResponseWriter, r *http.Request) error {
	s, err := l.sessions.Load(r)
	if err != nil {
		return fmt.Errorf("loginstage: confirming: %w", err)
	}
	here, err := l.here(r, s.Policy)
	if err != nil {
		return err
	}
	now := l.sessions.Now(r.Context())
	confirmed := s
	confirmed.LastSeen, confirmed.IP, confirmed.Anchor, confirmed.Drift = now, here.IP, here, session.Drift{}
	if s.MaxAge > 0 {
		confirmed.MaxAge = s.Expires.Sub(now)
	}
	// Of what ends the session and what confirms it, one wins: a session that
	// was ended meanwhile does not go on.
	confirmed, err = l.sessions.Start(w, r, confirmed, session.Replace{Renews: s.ID, Ending: l.ending(r, "", s.User)})
	if err != nil {
		return fmt.Errorf("loginstage: confirming: %w", err)
	}
	l.events.emit(r.Context(), l.confirmEvent(r, confirmed, here))
	return nil
}
