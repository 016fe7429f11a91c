package loginstage

import (
	"fmt"
	"net/http"

	"github.com/mooring-go/mooring/session"
)

// The causes of a login_denied event, and of the [*DeniedError], of a
// re-authentication.
const (
	CauseOtherUser    session.Cause = "other_user"   // another user was proved than the session's
	CauseImpersonated session.Cause = "impersonated" // somebody else acts as the session's user
)

// Reauthenticate has the session that the request was sent in go on after the host has
// proved the user again, and returns it. It has a new token, both limits start again
// (NIST SP 800-63B-4, section 5.2), by the settings as they are now, and AuthTime, AMR
// and ACR are those of user, as in Begin. It is bound to where the request came from,
// and a restriction by its binding is lifted; what it requires and the host's value
// stay, as does its device key, and it is one session in the user's list.
//
// user is the user who was proved. A user who is not the session's, who is inactive
// or who has no usable ID is a [*DeniedError], and the session stays as it was: a
// thief cannot confirm a stolen session with the thief's own password. So is any user
// for a session of which somebody else is the Actor. Behind a guard of the stage,
// Begin, Finish, Reauthenticate, [UserLogin.Complete] and [UserLogin.Logout] can follow each
// other while one request is handled. For a client that is not signed in
// the error is [session.ErrNotFound] or [*session.EndedError]. Like Begin it is called
// before the response begins, and is [ErrResponseBegun] otherwise.
func (l *UserLogin) Reauthenticate(w http.ResponseWriter, r *http.Request, user User) (session.Session, error) {
	l = l.in(r.Context())
	none := session.Session{}
	if err := begun(w); err != nil {
		return none, err
	}
	s, err := l.current(w, r)
	if err != nil {
		return none, fmt.Errorf("loginstage: re-authenticating: %w", err)
	}
	if err := l.admitUser(r, user, s); err != nil {
		return none, err
	}
	here, err := l.here(r, s.Policy)
	if err != nil {
		return none, err
	}
	now := l.sessions.Now(r.Context())
	s, err = l.renew(w, r, s, func(s *session.Session) error {
		proved(s, user, now)
		if user.Method != "" {
			s.Method = clip(user.Method, maxName)
		}
		s.LastSeen, s.IP, s.Anchor, s.Drift = now, here.IP, here, session.Drift{Key: s.Drift.Key}
		l.limit(s, now)
		return nil
	})
	if err != nil {
		return none, fmt.Errorf("loginstage: re-authenticating: %w", err)
	}
	if s.Drift.Key.IsZero() {
		l.offerKey(w, r, s)
	}
	l.events.emit(r.Context(), l.confirmEvent(r, s, here))
	return s, nil
}
