package loginstage

import (
	"fmt"
	"net/http"

	"github.com/mooring-go/mooring/session"
)

// CauseOtherUser is the cause where a user was proved to confirm another user's
// session: of the login_denied event, and of the [*DeniedError].
const CauseOtherUser session.Cause = "other_user"

// Confirm lifts the restriction of the session that the request was sent in (step
// up, re-authentication), after the host has proved the user again. The session
// goes on under a new token, bound to where the request came from, for as long as
// it would have lived.
//
// user is the user who was proved. A user who is not the session's, who is inactive
// or who has no usable ID is a [*DeniedError], and the session stays as it was: a
// thief cannot confirm a stolen session with the thief's own password. For a client
// that is not signed in the error is [session.ErrNotFound] or [*session.EndedError].
// Like Begin it is called before the response begins, and is [ErrResponseBegun]
// otherwise.
func (l *UserLogin) Confirm(w http.ResponseWriter, r *http.Request, user User) error {
	if err := begun(w); err != nil {
		return err
	}
	s, err := l.load(r)
	if err != nil {
		return fmt.Errorf("loginstage: confirming: %w", err)
	}
	denied := deniedFor(user)
	if denied == nil && user.ID != s.User {
		denied = &DeniedError{Cause: CauseOtherUser, User: user.ID}
	}
	if denied != nil {
		event := l.deniedEvent(r, denied.Cause, user.ID, nil)
		event.Session = s.ID
		l.events.emit(r.Context(), event)
		return denied
	}
	here, err := l.here(r, s.Policy)
	if err != nil {
		return err
	}
	now := l.sessions.Now(r.Context())
	confirmed := s
	confirmed.LastSeen, confirmed.IP, confirmed.Anchor, confirmed.Drift = now, here.IP, here, session.Drift{Key: s.Drift.Key}
	confirmed.Lineage = lineage(s)
	if s.MaxAge > 0 {
		confirmed.MaxAge = s.Expires.Sub(now)
	}
	// Of an ending and a confirmation at the same time one wins: a session that was
	// ended meanwhile does not go on.
	confirmed, err = l.sessions.Start(w, r, confirmed, session.Replace{Renews: s.ID, Ending: l.ending(r, "", s.User)})
	if err != nil {
		return fmt.Errorf("loginstage: confirming: %w", err)
	}
	if confirmed.Drift.Key.IsZero() {
		l.offerKey(w, r, confirmed)
	}
	carried(w, r)
	l.events.emit(r.Context(), l.confirmEvent(r, confirmed, here))
	return nil
}
