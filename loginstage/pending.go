package loginstage

import (
	"context"
	"net/http"

	"github.com/mooring-go/mooring/session"
)

// maxPending is how many challenges of one user may wait for an answer: the oldest
// over it can no longer be answered.
const maxPending = 16

// A pending session has a cookie of its own, beside the carrier: the session that
// is live in the same browser stays live until the challenge is answered.

// beginPending starts s as a pending session and gives its token to the client.
func (l *UserLogin) beginPending(w http.ResponseWriter, r *http.Request, s session.Session) (session.Session, error) {
	cookie := l.pendingCookie()
	before, err := cookie.Read(r)
	if err != nil {
		return session.Session{}, err
	}
	s.Kind = session.KindPending
	s.Expires = s.Created.Add(challengeTime)
	token, s, err := l.sessions.Issue(r.Context(), s, session.Replace{
		Before: before.ID(), Max: maxPending, Ending: l.ending(r, "", s.User),
	})
	if err != nil {
		return session.Session{}, err
	}
	if err := l.sessions.Carry(w, r, cookie, token, s); err != nil {
		return session.Session{}, err
	}
	l.deleteDuplicates(w, r, cookie)
	carried(w, r)
	return s, nil
}

// pending returns the pending session that r was sent in, if this stage made it. A user
// whom another stage asked has been proved to that stage alone.
func (l *UserLogin) pending(r *http.Request) (session.Session, error) {
	token, err := l.pendingCookie().Read(r)
	if err != nil {
		return session.Session{}, err
	}
	pending, err := l.sessions.Find(r.Context(), token, session.KindPending)
	if err == nil && pending.Stage != l.config.Name {
		return session.Session{}, errOtherStage
	}
	return pending, err
}

// dropPending ends the pending session that r was sent in, if any, and takes its token
// from the client, so that nobody who uses the browser later can answer.
func (l *UserLogin) dropPending(w http.ResponseWriter, r *http.Request) error {
	if _, ok := l.pendingCookie().Value(r); !ok {
		return nil
	}
	pending, err := l.pending(r)
	if err == nil {
		_, err = l.sessions.End(context.WithoutCancel(r.Context()), pending.ID, l.ending(r, session.CauseSignedOut, pending.User))
	}
	if err != nil && !isEnded(err) {
		return err
	}
	if err != errOtherStage { //nolint:errorlint // as pending returns it
		l.clearPending(w)
	}
	return nil
}

// clearPending takes the token of a pending session from the client.
func (l *UserLogin) clearPending(w http.ResponseWriter) { l.pendingCookie().Set(w, "", -1) }

func (l *UserLogin) pendingCookie() session.Cookie {
	cookie := l.config.StageCookie
	cookie.Name = cookie.CookieName() + "_pending"
	return cookie
}
