package loginstage

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/mooring-go/mooring/session"
)

// Logout ends the session that the request was sent in, if any, and takes the token
// from the client. It also ends a sign-in that waits for the answer to its challenge, and
// the other accounts that the browser is signed in to: see [UserLogin.SignOutAccount]. A
// client that is not signed in is not an error, and a session of a stage that this one
// does not admit stays. If the session could not be ended, the client keeps its token,
// so that it can try again. A session that goes on under another token, by a request
// beside this one, ends all the same.
//
// Like Begin, Logout is called before the response begins, and returns
// [ErrResponseBegun] otherwise.
func (l *UserLogin) Logout(w http.ResponseWriter, r *http.Request) error {
	l = l.in(r.Context())
	if err := begun(w); err != nil {
		return err
	}
	waiting, err := l.waiting(r)
	if err != nil {
		return fmt.Errorf("loginstage: signing out: %w", err)
	}
	if err := l.signOutWaiting(w, r, waiting); err != nil {
		return err
	}
	return l.logoutActive(w, r)
}

// logoutActive is Logout, but for the accounts that wait.
func (l *UserLogin) logoutActive(w http.ResponseWriter, r *http.Request) error {
	if err := l.dropPending(w, r); err != nil {
		return fmt.Errorf("loginstage: signing out: %w", err)
	}
	s, err := l.current(w, r)
	if err == errOtherStage { //nolint:errorlint // as load returns it
		return nil
	}
	// A browser that is closed on signing out does not wait for the answer.
	ending := l.ending(r, session.CauseSignedOut, actorOf(found(s, err)))
	if err := l.endFound(context.WithoutCancel(r.Context()), s, err, ending); err != nil && !isEnded(err) {
		return fmt.Errorf("loginstage: signing out: %w", err)
	}
	if err := l.sessions.Clear(w, r); err != nil {
		return fmt.Errorf("loginstage: signing out: %w", err)
	}
	l.deleteDuplicateTokens(w, r)
	l.forgetProofs(w, r)
	if l.config.ClearSiteData {
		w.Header().Set("Clear-Site-Data", `"cache", "storage"`) // not "cookies": those are taken one by one
	}
	carried(w, r)
	return nil
}

// found returns the session that a look for one has found, live or ended; the zero
// Session: none.
func found(s session.Session, err error) session.Session {
	if ended, ok := errors.AsType[*session.EndedError](err); ok {
		return ended.Session
	}
	return s
}

// endFound ends the session that a look has found, which returned s and err. What the
// session goes on as by then ends in its place: else a renewal, before the look or since,
// would leave the user signed in. Where there is nothing to end it returns why.
func (l *UserLogin) endFound(ctx context.Context, s session.Session, err error, ending session.Ending) error {
	of := found(s, err)
	if err == nil {
		_, err = l.sessions.End(ctx, s.ID, ending)
	}
	if !isRenewed(err) {
		return err
	}
	n, endErr := l.endLineage(ctx, of.User, lineage(&of), ending)
	if n > 0 || endErr != nil {
		return endErr
	}
	return err // what it went on as has ended
}

// isRenewed reports whether err says that a session goes on, or went on, under another
// token.
func isRenewed(err error) bool {
	ended, ok := errors.AsType[*session.EndedError](err)
	return ok && ended.Ending.Cause == session.CauseRenewed
}

// Sessions returns the signed-in sessions of the user, the latest first.
func (l *UserLogin) Sessions(ctx context.Context, user string) ([]session.Session, error) {
	l = l.in(ctx)
	sessions, err := l.sessions.List(ctx, user, session.KindSession)
	if err != nil {
		return nil, fmt.Errorf("loginstage: %w", err)
	}
	return sessions, nil
}

// Revoke ends one session of the user. An ID that is not a live session of this user's
// is [session.ErrNotFound] or [*session.EndedError], so an ID can come straight from a
// form. One that goes on under another token since, after a re-authentication say, ends
// under that. actor says, for the event, who ended it: a user ID or a name of the host's;
// 255 bytes of it are kept.
func (l *UserLogin) Revoke(ctx context.Context, user string, id session.ID, actor string) error {
	l = l.in(ctx)
	s, err := l.sessions.Get(ctx, id, session.KindSession)
	if owner := found(s, err).User; owner != "" && owner != user {
		err = session.ErrNotFound
	} else {
		err = l.endFound(ctx, s, err, l.ending(nil, session.CauseRevoked, actor))
		l.events.wait()
	}
	l.events.wait()
	if err != nil {
		return fmt.Errorf("loginstage: revoking: %w", err)
	}
	return nil
}

// RevokeOthers ends all sessions of the user but the one that keep names, and those
// that wait for the answer to a challenge. It returns how many it ended, with an error
// too: those stay ended, and calling it again ends the rest. Config.StoreTimeout bounds
// each step of it, and ctx all of it.
func (l *UserLogin) RevokeOthers(ctx context.Context, user string, keep session.ID, actor string) (int, error) {
	l = l.in(ctx)
	n, err := l.sessions.EndUser(ctx, user, keep, l.ending(nil, session.CauseRevoked, actor), session.KindSession, session.KindPending)
	l.events.wait()
	if err != nil {
		return n, fmt.Errorf("loginstage: revoking: %w", err)
	}
	return n, nil
}

// RevokeUser ends all sessions of the user, as RevokeOthers does, and returns how many
// it ended, with an error too. Remembered devices stay known: see
// [UserLogin.ForgetDevices].
func (l *UserLogin) RevokeUser(ctx context.Context, user, actor string) (int, error) {
	l = l.in(ctx)
	return l.RevokeOthers(ctx, user, session.ID{}, actor)
}
