package loginstage

import (
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
	return s, l.sessions.Carry(w, r, cookie, token, s)
}

// pending returns the pending session that r was sent in.
func (l *UserLogin) pending(r *http.Request) (session.Session, error) {
	token, err := l.pendingCookie().Read(r)
	if err != nil {
		return session.Session{}, err
	}
	return l.sessions.Find(r.Context(), token, session.KindPending)
}

// clearPending takes the token of a pending session from the client.
func (l *UserLogin) clearPending(w http.ResponseWriter) { l.pendingCookie().Set(w, "", -1) }

func (l *UserLogin) pendingCookie() session.Cookie {
	cookie := l.config.StageCookie
	cookie.Name = cookie.CookieName() + "_pending"
	return cookie
}
