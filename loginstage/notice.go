package loginstage

import (
	"errors"
	"net/http"

	"github.com/mooring-go/mooring/session"
)

// A client whose session is ended while it is being used loses the token. So
// that it can be told why all the same, it gets the session's ID instead, which
// signs nobody in.

// LastEnding is why, when and by whom the session that the client had last was
// ended, while that is kept: see [Config.KeepEndings]. It is for telling the
// user, on the sign-in page for instance. A client that is signed in has none,
// and a challenge that was not answered in time is none.
func (l *UserLogin) LastEnding(r *http.Request) (session.Ending, bool) {
	_, err := l.sessions.Load(r)
	if errors.Is(err, session.ErrNotFound) {
		if value, ok := l.noticeCookie().Value(r); ok {
			if id, parseErr := session.ParseID(value); parseErr == nil {
				_, err = l.sessions.Get(r.Context(), id, session.KindSession)
			}
		}
	}
	if ended, ok := errors.AsType[*session.EndedError](err); ok {
		return ended.Ending, true
	}
	if err != nil && !isEnded(err) {
		l.config.Logger.ErrorContext(r.Context(), "loginstage: the last ending is not known", "error", err)
	}
	return session.Ending{}, false
}

// leaveNotice lets the client find out later why the session ended.
func (l *UserLogin) leaveNotice(w http.ResponseWriter, id session.ID) {
	l.noticeCookie().Set(w, id.String(), session.WholeSeconds(l.config.KeepEndings.Std()))
}

// clearNotice forgets an earlier session, if there is a notice of one.
func (l *UserLogin) clearNotice(w http.ResponseWriter, r *http.Request) {
	if cookie := l.noticeCookie(); hasCookie(r, cookie.Name) {
		cookie.Set(w, "", -1)
	}
}

func (l *UserLogin) noticeCookie() session.Cookie {
	cookie := l.config.StageCookie
	cookie.Name = cookie.CookieName() + "_ended"
	return cookie
}

func hasCookie(r *http.Request, name string) bool {
	_, err := r.Cookie(name)
	return err == nil
}
