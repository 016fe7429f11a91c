package loginstage

import (
	"iter"
	"net/http"

	"github.com/mooring-go/mooring/session"
)

// A handler can do several things to the session of one request, such as to prove the
// user again and to complete what was required. Each may give the client another token,
// and the one that the request has brought is dead from then on.

// noteSession has the later steps of the same request find the session that the client
// has now, where the request is behind a guard.
func (l *UserLogin) noteSession(w http.ResponseWriter, r *http.Request, id session.ID) {
	for response := range l.responses(w, r) {
		response.session.Store(&id)
	}
}

// noted returns the ID of the session that an earlier step of the same request gave to
// the client, and the zero ID where none did.
func (l *UserLogin) noted(w http.ResponseWriter, r *http.Request) session.ID {
	for response := range l.responses(w, r) {
		if id := response.session.Load(); id != nil {
			return *id
		}
	}
	return session.ID{}
}

// current returns the session that the client has now: the one that an earlier step of the
// same request gave it, or else that of the request, as load does.
func (l *UserLogin) current(w http.ResponseWriter, r *http.Request) (session.Session, error) {
	if id := l.noted(w, r); !id.IsZero() {
		return l.sessions.Get(r.Context(), id, session.KindSession)
	}
	return l.load(r)
}

// responses yields the writers of the guards of this stage that the request is behind,
// found by its context or around w, whatever else is wrapped around either.
func (l *UserLogin) responses(w http.ResponseWriter, r *http.Request) iter.Seq[*response] {
	return func(yield func(*response) bool) {
		if g := l.foundIn(r.Context()); g != nil && !yield(&g.response) {
			return
		}
		for w := range unwrapped(w) {
			if writer, ok := w.(interface{ guardResponse() *response }); ok && l.is(writer.guardResponse().login) && !yield(writer.guardResponse()) {
				return
			}
		}
	}
}
