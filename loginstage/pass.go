package loginstage

import (
	"net/http"
	"time"

	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/session"
)

// defaultPassTime is how long a pass holds where [Config.ProveEvery] does not say: a
// browser with device-bound sessions needs one to prove its key at all.
const defaultPassTime = duration.Duration(15 * time.Minute)

// A pass is a short-lived cookie that says that the device key of one session was
// proved. It is checked without the store.

// givePass gives the client a new pass for the session, and takes back that it could
// not prove its key.
func (l *UserLogin) givePass(w http.ResponseWriter, r *http.Request, s session.Session) {
	var space [idTextLen]byte
	id, _ := lineage(&s).AppendText(space[:0])
	ends := l.sessions.Now(r.Context()).Add(l.passTime())
	l.passCookie.Set(w, l.secrets.Pass(id, ends), l.passTime())
	if asked := l.askedCookie(); len(r.CookiesNamed(asked.Name)) > 0 {
		asked.Set(w, "", -1)
	}
	if ip, err := l.clientIP(r); err == nil {
		l.asked.served(s.ID, ip)
	}
}

// passHolds returns how much longer than now the pass holds that r brings for the session;
// 0: it brings none that does.
func (l *UserLogin) passHolds(r *http.Request, s *session.Session, now time.Time) time.Duration {
	value, ok := l.passCookie.Value(r)
	if !ok {
		return 0
	}
	var space [idTextLen]byte
	id, _ := lineage(s).AppendText(space[:0])
	ends, ok := l.secrets.CheckPass(id, value, now)
	if !ok {
		return 0
	}
	return ends.Sub(now)
}

// passTime returns how long a pass holds.
func (l *UserLogin) passTime() time.Duration {
	if l.config.ProveEvery > 0 {
		return l.config.ProveEvery.Std()
	}
	return defaultPassTime.Std()
}
