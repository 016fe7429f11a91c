package loginstage

import (
	"errors"
	"net/http"

	"github.com/mooring-go/mooring/session"
)

// maxRenewals is how often a renewal is tried while others change the session.
const maxRenewals = 16

// renew has s go on under a new token, as change makes it, and gives the token to the
// client. Of what ends the session and what renews it one wins: what was ended
// meanwhile does not go on. What others change meanwhile is not lost.
func (l *UserLogin) renew(w http.ResponseWriter, r *http.Request, s session.Session, change func(*session.Session) error) (session.Session, error) {
	for range maxRenewals {
		renewed := s
		renewed.Lineage = lineage(&s)
		if err := change(&renewed); err != nil {
			return session.Session{}, err
		}
		ending := l.ending(r, "", actorOf(s))
		renewed, err := l.sessions.Start(w, r, renewed, session.Replace{Renews: s.ID, Version: s.Version, Ending: ending})
		if err == nil {
			l.renewNonce(w, r, &renewed)
			l.noteSession(w, r, renewed.ID)
			carried(w, r)
			return renewed, nil
		}
		if !errors.Is(err, session.ErrConflict) {
			return session.Session{}, err
		}
		if s, err = l.sessions.Get(r.Context(), s.ID, session.KindSession); err != nil {
			return session.Session{}, err
		}
	}
	return session.Session{}, session.ErrConflict
}
