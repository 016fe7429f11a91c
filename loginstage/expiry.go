package loginstage

import (
	_ "embed" // the script
	"encoding/json"
	"math"
	"net/http"
	"path"
	"strconv"
	"time"

	"github.com/mooring-go/mooring/session"
)

// expiryHeader is the header of a guarded answer that says in how many seconds the
// session ends.
const expiryHeader = "Mooring-Session-Ends"

// Expiry says when a session ends unless it is used before: what the handler of
// [UserLogin.Expiry] answers, as JSON.
type Expiry struct {
	SignedIn bool  `json:"signed_in"`
	Seconds  int64 `json:"seconds"` // until it ends, rounded down; 0: nobody is signed in
	Renewed  bool  `json:"renewed"` // whether using it puts the end off: false where the absolute limit comes first

	// Resume is for how many more seconds a session that was idle for too long can be
	// resumed, rounded down: see UserLogin.Resume. 0: there is none.
	Resume int64 `json:"resume,omitempty"`
}

//go:embed expiry.js
var expiryScript []byte

// Expiry returns a handler by which a page learns when its session ends, so that it
// can ask "you will be signed out in two minutes". It answers an [Expiry], and asking
// is no use of the session, which would put the end off: mount it outside of the
// guards. Behind one of this stage it answers 500, since that has recorded a use.
//
// Where the path ends with ".js" it answers a script for the page, which asks by
// itself:
//
//	mux.Handle("GET /session", login.Expiry())
//	mux.Handle("GET /session.js", login.Expiry())
//
//	<script src="/session.js" data-url="/session" data-before="120" defer></script>
//
// data-before seconds ahead of the end it sends the event mooring:ending to the
// document, with the seconds left and whether use puts the end off as its detail;
// mooring:renewed where a use has put it off since, as in another tab; and mooring:ended
// when the session is over, also when it was ended elsewhere, with the seconds for which
// it can be resumed as its detail. It asks no more than it has to: before the end, and
// when the page is shown again.
func (l *UserLogin) Expiry() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if path.Ext(r.URL.Path) == ".js" {
			w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
			w.Header().Set("Cache-Control", "public, max-age=3600")
			_, _ = w.Write(expiryScript) // the client may be gone
			return
		}
		l.in(r.Context()).serveExpiry(w, r)
	})
}

func (l *UserLogin) serveExpiry(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if l.foundIn(r.Context()) != nil {
		l.config.Logger.ErrorContext(r.Context(), "loginstage: the handler of Expiry is behind a guard, so that asking when the session ends puts the end off: mount it outside")
		http.Error(w, "mounted behind a guard", http.StatusInternalServerError)
		return
	}
	s, err := l.load(r)
	if err != nil && !isEnded(err) {
		denied := l.accessError(DenialUnavailable, s, err)
		l.deny(w, r, denied)
		return
	}
	var answer Expiry
	if err == nil {
		answer = l.expiryOf(s, l.sessions.Now(r.Context()))
	}
	text, err := json.Marshal(answer)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // the client may be gone
}

// expiryOf returns when s ends.
func (l *UserLogin) expiryOf(s session.Session, now time.Time) Expiry {
	if isIdle(s) {
		return Expiry{Resume: secondsUntil(s.Deadline(), now)}
	}
	end := s.IdleAt()
	return Expiry{SignedIn: true, Seconds: secondsUntil(end, now), Renewed: end.Before(s.Expires)}
}

// secondsUntil returns how many whole seconds there are until end.
func secondsUntil(end, now time.Time) int64 {
	return int64(max(0, math.Floor(end.Sub(now).Seconds())))
}

// tellExpiry sets the header that says when s ends.
func (l *UserLogin) tellExpiry(w http.ResponseWriter, r *http.Request, s *session.Session) {
	if l.config.TellExpiry && !s.ID.IsZero() {
		w.Header().Set(expiryHeader, strconv.FormatInt(secondsUntil(s.IdleAt(), l.sessions.Now(r.Context())), 10))
	}
}
