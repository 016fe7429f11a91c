package loginstage

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/mooring-go/mooring/session"
)

// ErrNotRequired is returned by [UserLogin.Complete] for an action that the session
// does not require.
var ErrNotRequired = errors.New("loginstage: not a required action")

// Complete takes the action from what the session that the request was sent in
// requires (see [User.Required]), after the user has done it. With the last one the
// session is admitted everywhere, and gets a new token; its limits stay. Requests that
// complete several at once lose none.
//
// An action that the session does not require is [ErrNotRequired], and for a client
// that is not signed in the error is [session.ErrNotFound] or [*session.EndedError].
// Complete proves nothing: a host that has enrolled a second factor calls
// [UserLogin.Reauthenticate] with it too, before or after, which it can in the same
// request behind a guard. Like Begin it is called before the response begins, and is
// [ErrResponseBegun] otherwise.
func (l *UserLogin) Complete(w http.ResponseWriter, r *http.Request, action string) error {
	l = l.in(r.Context())
	if err := begun(w); err != nil {
		return err
	}
	s, err := l.current(w, r)
	if err != nil {
		return fmt.Errorf("loginstage: completing %q: %w", action, err)
	}
	for conflicts := 0; ; conflicts++ {
		if !slices.Contains(s.Required, action) {
			return fmt.Errorf("%w: %.80q, want one of %q", ErrNotRequired, action, s.Required)
		}
		changed, err := l.complete(w, r, s, action)
		if err == nil {
			l.events.emit(r.Context(), l.completedEvent(r, changed, action))
			return nil
		}
		if !errors.Is(err, session.ErrConflict) || conflicts == maxRenewals {
			return fmt.Errorf("loginstage: completing %q: %w", action, err)
		}
		if s, err = l.sessions.Get(r.Context(), s.ID, session.KindSession); err != nil {
			return fmt.Errorf("loginstage: completing %q: %w", action, err)
		}
	}
}

// complete takes the action from what s requires, or returns session.ErrConflict if s
// has changed meanwhile.
func (l *UserLogin) complete(w http.ResponseWriter, r *http.Request, s session.Session, action string) (session.Session, error) {
	change := session.Update{Version: s.Version, Complete: []string{action}}
	if len(s.Required) > 1 {
		return l.sessions.Update(r.Context(), s.ID, change)
	}
	return l.renew(w, r, s, func(renewed *session.Session) error {
		// Of a session that has changed since, nobody knows that this is the last.
		return renewed.Update(change)
	})
}

// restricts reports whether a session is admitted only behind AllowRestricted for the
// denial.
func restricts(denial Denial) bool { return denial == DenialStepUp || denial == DenialRequired }

// respondRequired answers a request of a session whose user has something to do first.
func (e *AccessError) respondRequired(w http.ResponseWriter, r *http.Request, config Config) {
	if config.RequiredURL != "" && wantsPage(r) {
		http.Redirect(w, r, withNext(config.RequiredURL, config.PathPrefix, r), http.StatusSeeOther)
		return
	}
	writeProblem(w, Problem{
		Type: ProblemRequired, Status: http.StatusForbidden, Detail: "There is something to do before you can use this.",
		Required: e.Session.Required,
	})
}
