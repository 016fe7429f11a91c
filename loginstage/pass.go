package loginstage

import (
	"net/http"
	"time"

	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/session"
)

// DefaultPassTime is how long the cookie of a device-bound session holds where
// [Config.ProveEvery] does not say: a browser needs one to prove its key at all.
const DefaultPassTime = duration.Duration(15 * time.Minute)

// A pass is a bound cookie: it says that the device key of one session was proved
// not long ago. It is checked without the store.

// givePass gives the client a new pass for the session.
func (l *UserLogin) givePass(w http.ResponseWriter, r *http.Request, s session.Session) {
	var space [idTextLen]byte
	id, _ := s.ID.AppendText(space[:0])
	ends := l.sessions.Now(r.Context()).Add(l.passTime())
	l.passCookie().Set(w, l.secrets.Pass(id, ends), session.WholeSeconds(l.passTime()))
}

// idTextLen is how long the text of a session.ID is.
const idTextLen = 45

// hasPass reports whether r brings a pass for the session that still holds.
func (l *UserLogin) hasPass(r *http.Request, s *session.Session) bool {
	value, ok := l.passCarrier.Value(r)
	if !ok {
		return false
	}
	var space [idTextLen]byte
	id, _ := s.ID.AppendText(space[:0])
	_, holds := l.secrets.CheckPass(id, value, l.sessions.Now(r.Context()))
	return holds
}

// passTime returns for how long a pass holds.
func (l *UserLogin) passTime() time.Duration {
	if l.config.ProveEvery > 0 {
		return l.config.ProveEvery.Std()
	}
	return DefaultPassTime.Std()
}
