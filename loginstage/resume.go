package loginstage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/mooring-go/mooring/session"
)

// ErrNotIdle is returned by [UserLogin.Resume] for a session that is not restricted
// because it was idle: it can be used as it is, or takes more than that to go on.
var ErrNotIdle = errors.New("loginstage: the session was not idle")

// Resume has the session that the request was sent in go on after it was idle for too
// long (see [Config.IdleResume]) and the host has proved the user by one factor, and
// returns it. NIST SP 800-63B-4, section 2.2.3, allows that at AAL2 until the absolute
// limit. So the session has a new token, and its idle limit starts again; its absolute
// limit, AuthTime, AMR and ACR stay, and [UserLogin.RequireFresh] takes this for no
// proof. It is bound to where the sign-in was, as before, and it is one session in the
// user's list. Where the host has proved the user by all factors it calls
// [UserLogin.Reauthenticate] instead, which starts both limits.
//
// A session that is not idle, or is restricted for another reason besides, is
// [ErrNotIdle] and stays as it was. A session that is over is [*session.EndedError] or
// [session.ErrNotFound]; the user has to sign in. The user who was proved, other errors,
// and when to call it, are as for Reauthenticate.
func (l *UserLogin) Resume(w http.ResponseWriter, r *http.Request, user User) (session.Session, error) {
	l = l.in(r.Context())
	none := session.Session{}
	if err := begun(w); err != nil {
		return none, err
	}
	s, err := l.load(r)
	if err != nil {
		return none, fmt.Errorf("loginstage: resuming: %w", err)
	}
	if !isIdle(s) {
		return none, ErrNotIdle
	}
	if err := l.admitUser(r, user, s); err != nil {
		return none, err
	}
	now := l.sessions.Now(r.Context())
	s, err = l.renew(w, r, s, func(s *session.Session) error {
		if !isIdle(*s) { // by now
			return ErrNotIdle
		}
		s.LastSeen, s.Drift.Restricted = now, ""
		return nil
	})
	if err != nil {
		return none, fmt.Errorf("loginstage: resuming: %w", err)
	}
	l.events.emit(r.Context(), l.resumeEvent(r, s))
	return s, nil
}

// isIdle reports whether s is restricted because it was idle for too long.
func isIdle(s session.Session) bool { return s.Drift.Restricted == session.RestrictedIdle }

// onIdle tells that a session was restricted because it was idle for too long, once.
func (l *UserLogin) onIdle(ctx context.Context, s session.Session) {
	event := l.event(ActionStepUp, session.CauseIdle, eventID(ActionStepUp, s.ID, string(session.CauseIdle)))
	event.about(s)
	event.Time = l.sessions.Now(ctx)
	if l.told.first(event.ID) {
		l.events.emit(ctx, event)
	}
}

// resumeEvent returns the event of a session that was resumed.
func (l *UserLogin) resumeEvent(r *http.Request, s session.Session) Event {
	event := l.event(ActionResume, CauseConfirmed, eventID(ActionResume, s.ID))
	event.about(s)
	event.Time, event.Actor = s.LastSeen, strings.Clone(actorOf(s))
	event.ClientIP, _ = l.clientIP(r)
	event.Context = l.contextOf(r, nil)
	return event
}
