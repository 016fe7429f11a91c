package loginstage

import (
	"errors"
	"net/http"

	"github.com/mooring-go/mooring/session"
)

// LastEnding returns why, when and by whom the client's last session was ended, while
// the store keeps that: see [Config.KeepEndings]. It is for telling the user, on the
// sign-in page for instance. It goes by the token that the client still has, so it
// tells nobody else. False: the client is signed in, has signed out, never was signed
// in, or its cookie has expired with the session.
func (l *UserLogin) LastEnding(r *http.Request) (session.Ending, bool) {
	l = l.in(r.Context())
	_, err := l.load(r)
	if ended, ok := errors.AsType[*session.EndedError](err); ok {
		return ended.Ending, true
	}
	if err != nil && !isEnded(err) {
		l.config.Logger.ErrorContext(r.Context(), "loginstage: the last ending is not known", "error", err)
	}
	return session.Ending{}, false
}
