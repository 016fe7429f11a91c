package loginstage

import (
	"net/http"
	"time"

	"github.com/mooring-go/mooring/session"
)

// proved records in s how the user was proved, at now or before.
func proved(s *session.Session, user User, now time.Time) {
	s.AuthTime, s.AMR, s.ACR = user.AuthTime, user.AMR, user.ACR
	if s.AuthTime.IsZero() || s.AuthTime.After(now) {
		s.AuthTime = now
	}
	s.AuthTime = s.AuthTime.Round(0).UTC()
}

// actorOf returns whose doing it is what is done in s: the user's, or that of who acts
// as the user.
func actorOf(s session.Session) string {
	if s.Actor != "" {
		return s.Actor
	}
	return s.User
}

// admitUser returns why the user is not signed in: a *DeniedError, which is told, or
// what failed. of is the session that goes on if the user is; the zero Session: none.
func (l *UserLogin) admitUser(r *http.Request, user User, of session.Session) error {
	denied := deniedFor(user)
	if denied == nil && of.User != "" && user.ID != of.User {
		denied = &DeniedError{Cause: CauseOtherUser, User: user.ID}
	}
	if denied == nil && of.Actor != "" && of.Kind == session.KindSession {
		denied = &DeniedError{Cause: CauseImpersonated, User: user.ID}
	}
	if denied == nil {
		active, err := l.accounts.ask(r.Context(), user.ID)
		if err != nil {
			return err
		}
		if !active {
			denied = &DeniedError{Cause: CauseInactiveUser, User: user.ID}
		}
	}
	if denied == nil {
		return nil
	}
	event := l.deniedEvent(r, denied.Cause, user.ID, nil)
	event.Session = of.ID
	l.events.emit(r.Context(), event)
	return denied
}
