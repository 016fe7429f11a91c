package loginstage

import (
	"context"
	"errors"
	"fmt"

	"github.com/mooring-go/mooring/session"
)

// A key handle is the session identifier of a device-bound session: what a browser
// calls the device key. The session is found by it where a request brings no cookie. It
// discloses nothing and is worth nothing without the key. It stays good when the session
// is renewed, as the key does.

// keyHandle returns the handle of the session's key, as the newest secret makes it.
func (l *UserLogin) keyHandle(s session.Session) string {
	return l.secrets.Seal([]byte(lineage(&s).String() + s.User))
}

// lineage returns the ID of the session that the sign-in started. s may be a later
// renewal of it.
func lineage(s *session.Session) session.ID {
	if s.Lineage.IsZero() {
		return s.ID
	}
	return s.Lineage
}

// keySubject returns what challenges and passes for the session's key are made for.
func keySubject(s session.Session) string { return lineage(&s).String() }

// idTextLen is how long the text of a session.ID is.
const idTextLen = 45

// findByHandle returns the live session of the handle. A handle that these secrets did
// not make, or of a session of another stage, is [session.ErrNotFound].
func (l *UserLogin) findByHandle(ctx context.Context, handle string) (session.Session, error) {
	plain, err := l.secrets.Open(handle)
	if err != nil {
		return session.Session{}, fmt.Errorf("%w: %w", session.ErrNotFound, err)
	}
	if len(plain) <= idTextLen {
		return session.Session{}, session.ErrNotFound
	}
	id, err := session.ParseID(string(plain[:idTextLen]))
	if err != nil {
		return session.Session{}, session.ErrNotFound
	}
	s, err := l.sessions.Get(ctx, id, session.KindSession)
	if ended, ok := errors.AsType[*session.EndedError](err); (ok && ended.Ending.Cause == session.CauseRenewed) || errors.Is(err, session.ErrNotFound) {
		return l.findRenewal(ctx, string(plain[idTextLen:]), id, err)
	}
	if err == nil && !l.admits(s.Stage) {
		return session.Session{}, session.ErrNotFound
	}
	return s, err
}

// whereverItIs calls do with the session, and again with what it goes on as where it is
// renewed meanwhile: a browser that is told that there is no such session drops its key.
func (l *UserLogin) whereverItIs(ctx context.Context, s session.Session, do func(session.Session) error) error {
	for range maxRenewals {
		err := do(s)
		if !isRenewed(err) {
			return err
		}
		if s, err = l.findRenewal(ctx, s.User, lineage(&s), err); err != nil {
			return err
		}
	}
	return session.ErrConflict
}

// findRenewal returns the live session of the lineage, or ended where there is none.
// The ending of the first one may have been forgotten by now.
func (l *UserLogin) findRenewal(ctx context.Context, user string, of session.ID, ended error) (session.Session, error) {
	sessions, err := l.sessions.List(ctx, user, session.KindSession)
	if err != nil {
		return session.Session{}, err
	}
	for _, s := range sessions {
		if s.Lineage == of && l.admits(s.Stage) {
			return s, nil
		}
	}
	return session.Session{}, ended
}
