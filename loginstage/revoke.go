package loginstage

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/mooring-go/mooring/session"
)

// Logout ends the session that the request was sent in, if any, and takes the
// token from the client. A client that is not signed in is not an error. If the
// session could not be ended, the client keeps its token, so that it can try
// again.
func (l *UserLogin) Logout(w http.ResponseWriter, r *http.Request) error {
	s, err := l.sessions.Load(r)
	if err == nil {
		// A browser that is closed on signing out does not wait for the answer.
		_, err = l.sessions.End(context.WithoutCancel(r.Context()), s.ID, l.ending(r, session.CauseSignedOut, s.User))
	}
	if err != nil && !isEnded(err) {
		return fmt.Errorf("loginstage: signing out: %w", err)
	}
	if err := l.sessions.Clear(w, r); err != nil {
		return fmt.Errorf("loginstage: signing out: %w", err)
	}
	return nil
}

// Sessions returns the signed-in sessions of the user, the latest first.
func (l *UserLogin) Sessions(ctx context.Context, user string) ([]session.Session, error) {
	sessions, err := l.sessions.List(ctx, user, session.KindSession)
	if err != nil {
		return nil, fmt.Errorf("loginstage: %w", err)
	}
	return sessions, nil
}

// Revoke ends one session of the user. An ID that is not a live session of this
// user's is [session.ErrNotFound] or [*session.EndedError], so an ID can come
// straight from a form. The actor is whose doing it is, for the event: a user
// ID or a name of the host's, of which 255 bytes are kept.
func (l *UserLogin) Revoke(ctx context.Context, user string, id session.ID, actor string) error {
	s, err := l.sessions.Get(ctx, id, session.KindSession)
	if ended, ok := errors.AsType[*session.EndedError](err); ok {
		s = ended.Session
	} else if err != nil {
		return fmt.Errorf("loginstage: revoking: %w", err)
	}
	if s.User != user {
		return fmt.Errorf("loginstage: revoking: %w", session.ErrNotFound)
	}
	if err == nil {
		_, err = l.sessions.End(ctx, id, l.ending(nil, session.CauseRevoked, actor))
		l.events.wait()
	}
	if err != nil {
		return fmt.Errorf("loginstage: revoking: %w", err)
	}
	return nil
}

// RevokeOthers ends all sessions of the user but the one that keep names, those too
// that wait for the answer to a challenge, and returns how many it ended, also with
// an error: those stay ended, and calling it again ends the rest. Config.StoreTimeout
// bounds each step of it, and ctx all of it.
func (l *UserLogin) RevokeOthers(ctx context.Context, user string, keep session.ID, actor string) (int, error) {
	n, err := l.sessions.EndUser(ctx, user, keep, l.ending(nil, session.CauseRevoked, actor), session.KindSession, session.KindPending)
	l.events.wait()
	if err != nil {
		return n, fmt.Errorf("loginstage: revoking: %w", err)
	}
	return n, nil
}

// RevokeUser ends all sessions of the user, as RevokeOthers does, and returns how
// many it ended, also with an error. Remembered devices stay known: see
// [UserLogin.ForgetDevices].
func (l *UserLogin) RevokeUser(ctx context.Context, user, actor string) (int, error) {
	return l.RevokeOthers(ctx, user, session.ID{}, actor)
}
