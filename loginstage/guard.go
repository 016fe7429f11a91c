package loginstage

import (
	"context"
	"errors"
	"net/http"
	"net/netip"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
)

// Guard loads the session of each request, holds it to its limits and its
// binding, and passes the request on to next, where [Current] returns the
// session. Anonymous requests are passed on too.
//
// A session that is used from where its binding does not hold is ended, and the
// request with it: a browser that asks for a page is sent to LoginURL, anything
// else gets 401, or OnBroken answers. Where the store, the locator or the
// carrier fails, or the client's address is not known though the session is
// bound, the answer is 503 and the session stays.
func (l *UserLogin) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if guarded, ok := l.admit(w, r); ok {
			next.ServeHTTP(w, guarded)
		}
	})
}

// Require is Guard for signed-in users alone: an anonymous browser that asks
// for a page is sent to LoginURL, anything else gets 401. A session that is
// restricted does not pass either: a browser is sent to StepUpURL, anything else
// gets 401 with a [Problem] of type [ProblemStepUp]. It can stand inside a Guard,
// which has then done the work.
func (l *UserLogin) Require(next http.Handler) http.Handler {
	return l.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch s, ok := Current(r.Context()); {
		case !ok:
			l.turnAway(w, r, "")
		case s.Drift.Restricted != "":
			l.stepUp(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	}))
}

// Current returns the session that the request with this context was sent in,
// behind a Guard. It is the session as the request found it: signing in or out
// while the request is handled does not change it. False means anonymous. Behind
// the Guards of several stages it is what the innermost found.
func Current(ctx context.Context) (session.Session, bool) {
	if guarded, ok := ctx.Value(sessionKey{}).(*sessionContext); ok && !guarded.session.ID.IsZero() {
		return guarded.session, true
	}
	return session.Session{}, false
}

type sessionKey struct{}

// sessionContext is a context with a session, or with none, for who is anonymous
// to this guard and signed in to another.
type sessionContext struct {
	context.Context
	session session.Session
	guard   *UserLogin
}

func (c *sessionContext) Value(key any) any {
	if key == (sessionKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// admit returns the request as it is to be passed on, or false if it has been
// answered.
func (l *UserLogin) admit(w http.ResponseWriter, r *http.Request) (*http.Request, bool) {
	if c, ok := r.Context().Value(sessionKey{}).(*sessionContext); ok && c.guard == l {
		return r, true
	}
	s, err := l.sessions.Load(r)
	if err == nil {
		err = l.hold(r, &s)
	}
	if err == nil {
		return r.WithContext(&sessionContext{r.Context(), s, l}), true
	}
	if !isEnded(err) {
		if broken, ok := errors.AsType[*brokenError](err); ok {
			l.cutOff(w, r, broken.ended)
		} else {
			l.unavailable(w, r, err)
		}
		return nil, false
	}
	if ended, ok := errors.AsType[*session.EndedError](err); ok && overdue(ended.Ending.Cause) {
		l.unmoor(w, r, ended.Session.ID)
	}
	if _, elsewhere := Current(r.Context()); elsewhere {
		r = r.WithContext(&sessionContext{Context: r.Context(), guard: l})
	}
	return r, true
}

// overdue reports whether a session ended by a limit. No other sign-in in the
// same browser is then under way that could have given it another token.
func overdue(cause session.Cause) bool {
	return cause == session.CauseExpired || cause == session.CauseIdle
}

// hold checks where s is used from and records that it was used.
func (l *UserLogin) hold(r *http.Request, s *session.Session) error {
	ip, err := l.clientIP(r)
	if err != nil && s.Policy.Binds() {
		return err // who knows where a bound session is used from must not guess
	}
	if ip != s.IP || l.letOff(s) {
		*s, err = l.move(r, *s, ip)
		return err
	}
	*s, err = l.sessions.Touch(r.Context(), *s, session.Seen{Time: l.sessions.Now(r.Context()), IP: ip})
	return err
}

// move holds s to its binding where it is used from ip.
func (l *UserLogin) move(r *http.Request, s session.Session, ip netip.Addr) (session.Session, error) {
	moved, err := l.judge(r.Context(), s, ip)
	if err != nil {
		return s, err
	}
	if moved.action == binding.End {
		return s, l.endBroken(r, s, moved)
	}
	before := s.Drift
	s, err = l.sessions.Touch(r.Context(), s, session.Seen{Time: l.sessions.Now(r.Context()), IP: ip, Drift: moved.drift})
	if err != nil {
		return s, err
	}
	if learned := moved.drift.Second.IP; learned.IsValid() {
		kept, err := l.sessions.Get(r.Context(), s.ID, session.KindSession)
		if err != nil {
			return s, err
		}
		if kept.Drift.Second.IP != learned { // another request was the first to teach one
			return l.move(r, kept, ip)
		}
	}
	l.emitMove(r, s, before, moved)
	return s, nil
}

// brokenError carries a session out of hold that this request has ended, or
// found ended, because its binding does not hold.
type brokenError struct{ ended session.Ended }

func (e *brokenError) Error() string { return "loginstage: " + string(e.ended.Ending.Reason) }

// endBroken ends s, once: of requests that find it broken at the same time one
// ends it, and all are turned away. Where it was ended for another cause meanwhile,
// such as a new sign-in, the client's token is not to be touched: it may be
// another one by now. A client that hangs up does not prevent the ending.
func (l *UserLogin) endBroken(r *http.Request, s session.Session, moved verdict) error {
	ending, about := l.endingBroken(r, moved)
	ended, err := l.sessions.End(context.WithoutCancel(r.Context()), s.ID, ending)
	if before, ok := errors.AsType[*session.EndedError](err); ok && before.Ending.Cause == session.CauseBroken {
		return &brokenError{before.Ended}
	}
	if err != nil {
		return err
	}
	l.emitBroken(r.Context(), session.Ended{Session: ended, Ending: ending}, about)
	return &brokenError{session.Ended{Session: s, Ending: ending}}
}

// cutOff answers a request whose session's binding is broken.
func (l *UserLogin) cutOff(w http.ResponseWriter, r *http.Request, ended session.Ended) {
	l.unmoor(w, r, ended.Session.ID)
	if l.config.OnBroken != nil {
		l.config.OnBroken(w, r, ended)
		return
	}
	l.turnAway(w, r, ended.Ending.Cause)
}

// unmoor takes the token of a session that has ended from the client.
func (l *UserLogin) unmoor(w http.ResponseWriter, r *http.Request, id session.ID) {
	if err := l.sessions.Clear(w, r); err != nil {
		// The session has ended, so its token is worth nothing.
		l.config.Logger.WarnContext(r.Context(), "loginstage: the carrier was not cleared", "error", err)
	}
	l.leaveNotice(w, id)
}
