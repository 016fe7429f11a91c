package loginstage

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
)

// Guard is the session middleware. It holds the session of each request to its
// limits and its binding, and passes the request on to next, where [Current]
// returns the session. Anonymous requests are passed on too, and so are those of
// a restricted session, which Current does not return: see [Restricted].
//
// A request that uses a session from where its binding does not hold ends the
// session and is denied. Where the store, the locator or the carrier fails, or
// the client's address is not known though the session is bound, the answer is
// 503 and the session stays. [Config.Deny] can replace these answers.
//
// What next writes gets "Vary: Cookie", and for a request with a session
// "Cache-Control: private, no-cache", or no-store with [Config.NoStore], unless next sets
// a Cache-Control. An answer by which Begin, Finish, Confirm or Logout sets or clears a
// token is not cacheable, whatever next does to its header. Where the carrier is not a
// session.Cookie, the same holds for an answer that sets any cookie. The guard itself
// sets and clears no token: the token of a session that has ended is worth nothing,
// and the browser may have got another one by the time that the answer arrives.
//
// The request that next gets differs from the guard's in its context alone. What
// next does to it is to be found in the guard's request afterwards: the Pattern that
// a ServeMux sets, path values, the forms that were parsed, and another Method,
// RemoteAddr, Host or URL.
func (l *UserLogin) Guard(next http.Handler) http.Handler { return l.admitting(everyone, next) }

// Require is Guard for signed-in users alone. It denies anonymous requests and
// those of restricted sessions: a browser that asks for a page is sent to LoginURL
// or StepUpURL, anything else gets 401 with a [Problem]. It can stand inside a
// Guard: the Guard has then done the work, also where guards of other stages stand between
// the two. Require answers the endpoints of [UserLogin.DeviceKeys] itself: next does not
// get their requests.
//
// A CORS preflight is passed on all the same, so that a CORS handler can stand
// behind Require: browsers send it without credentials. next gets it as an anonymous
// request without Cookie, Authorization and body, and only the status and the header
// of its answer are sent. Attacker: anybody can send one. A handler that does its
// work for OPTIONS too must ask Current whether there is a session; a ServeMux
// pattern with a method, such as "POST /orders", does not match a preflight.
func (l *UserLogin) Require(next http.Handler) http.Handler {
	required := l.admitting(signedIn, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isPreflight(r) {
			l.in(r.Context()).servePreflight(w, r, next)
			return
		}
		required.ServeHTTP(w, r)
	})
}

// AllowRestricted is Guard for the pages that a restricted session may use: the one
// that confirms it, and the sign-out. Behind it [Current] returns such a session like
// any other. Anonymous requests are passed on; AllowRestricted(Require(next)) denies
// them.
func (l *UserLogin) AllowRestricted(next http.Handler) http.Handler {
	return l.admitting(restrictedToo, next)
}

// Current returns the session that the request with this context was sent in,
// behind a guard. It is the session as the request found it: signing in or out
// while the request is handled does not change it. False means that nobody is
// signed in, as for a restricted session that [UserLogin.AllowRestricted] does not
// admit. Behind the guards of several stages it is what the innermost found.
func Current(ctx context.Context) (session.Session, bool) {
	if g := admittedIn(ctx); g != nil {
		return g.session.Session(), true
	}
	return session.Session{}, false
}

// admittedIn returns what a guard found out about the request with this context, if it
// admitted a session; nil: it did not. It is not inlined, so that Current is, which saves
// a handler a copy of the session.
//
//go:noinline
func admittedIn(ctx context.Context) *guarded {
	if g, ok := ctx.Value(guardedKey{}).(*guarded); ok && g.admitted {
		return g
	}
	return nil
}

// Restricted returns the session that the request with this context was sent in,
// behind a guard, if it is restricted: signed in once, and admitted nowhere but
// behind [UserLogin.AllowRestricted] until it is confirmed, and what it requires is done.
func Restricted(ctx context.Context) (session.Session, bool) {
	g, ok := ctx.Value(guardedKey{}).(*guarded)
	if !ok || !restricts(g.denial) {
		return session.Session{}, false
	}
	return g.session.Session(), true
}

// An audience says which requests a guard passes on.
type audience int

const (
	everyone      audience = iota // a restricted session as if it were anonymous
	restrictedToo                 // a restricted session as if it were not
	signedIn                      // unrestricted sessions alone
)

// denies reports whether a request with the denial is denied for the audience, and
// not passed on.
func (a audience) denies(denial Denial) bool {
	switch denial {
	case "":
		return false
	case DenialSignIn, DenialStepUp, DenialRequired:
		return a == signedIn
	default:
		return true
	}
}

// admitting returns the guard for the audience.
func (l *UserLogin) admitting(whom audience, next http.Handler) http.Handler {
	keys := next // which has them, or takes the request for an anonymous one
	if whom == signedIn {
		keys = l.DeviceKeys() // what next does without a session is not for everybody
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		outer, _ := r.Context().Value(guardedKey{}).(*guarded)
		var known *guarded
		if outer != nil {
			known = l.foundIn(r.Context())
		}
		l := l.latest.Load() // as in returns it
		if known != nil {
			l = known.login
		}
		if l.isKeyEndpoint(r) {
			keys.ServeHTTP(w, r)
			return
		}
		if known != nil {
			l.passKnown(w, r, next, known, whom)
			return
		}
		id, err := l.carried(r)
		if err == session.ErrNotFound && outer == nil { //nolint:errorlint // as it is, on the common path
			l.passAnonymous(w, r, next, whom)
			return
		}
		g := &passed{guarded: guarded{login: l}}
		if err == nil {
			l.find(r, id, &g.guarded)
		} else {
			g.finding = nobody(err)
		}
		switch {
		case whom.denies(g.denial):
			l.deny(w, r, l.accessError(g.denial, g.current(), g.err))
		case g.err == session.ErrNotFound && outer == nil: //nolint:errorlint // as above
			l.passAnonymous(w, r, next, whom)
		default:
			if g.dpop || l.config.TellExpiry {
				l.tellClient(w, r, &g.guarded)
			}
			g.admitted = g.denial == "" || (restricts(g.denial) && whom == restrictedToo)
			l.pass(w, r, next, g)
		}
	})
}

// passKnown passes r on with the finding of a guard of this stage, known, or denies r by it.
func (l *UserLogin) passKnown(w http.ResponseWriter, r *http.Request, next http.Handler, known *guarded, whom audience) {
	denial := known.denial
	if known.admitted {
		denial = ""
	}
	admits := whom == restrictedToo && restricts(denial)
	switch {
	case whom.denies(denial):
		l.deny(w, r, l.accessError(denial, known.current(), known.err))
	case admits || r.Context().Value(guardedKey{}) != known: // which a guard of another stage hides
		g := &passed{guarded: guarded{login: l, finding: known.finding}}
		g.admitted = known.admitted || admits
		if g.session != nil {
			l.tellClient(w, r, &g.guarded)
		}
		l.pass(w, r, next, g)
	default:
		next.ServeHTTP(w, r)
	}
}

// find has g hold what becomes of a request with the token of the ID.
func (l *UserLogin) find(r *http.Request, id session.ID, g *guarded) {
	var s session.Session
	kept, err := l.admitID(r, id, &s)
	g.finding = findingOf(&s, kept, err)
}

// tellClient tells the client of the session what it is told with each answer.
func (l *UserLogin) tellClient(w http.ResponseWriter, r *http.Request, g *guarded) {
	s := g.current()
	l.renewNonce(w, r, &s)
	l.tellExpiry(w, r, &s)
}

// admit sets s to the live session of the request. It holds the request to all that
// must hold, in this order: the carrier has one well-formed token; the store has a
// signed-in session of it; that has reached no limit; a stage signed it in that
// this one admits; the user's account is active; the client's address is known, if the session is bound; its device
// key, if it has one, was proved not too long ago; its binding holds there, or the key
// was proved there. Then it records the use.
//
// Errors are session.ErrNotFound and *session.EndedError where there is no session,
// *brokenError for one whose binding is broken, *proofError for one whose device key is
// to be proved first, and any other where nobody knows.
func (l *UserLogin) admit(r *http.Request, s *session.Session) error {
	id, err := l.carried(r)
	if err != nil {
		return err
	}
	_, err = l.admitID(r, id, s)
	return err
}

// admitID is admit for the ID of the token that came with r. It returns s as the store has
// it too, if the store has it as it is then.
func (l *UserLogin) admitID(r *http.Request, id session.ID, s *session.Session) (session.Snapshot, error) {
	now, kept, err := l.fill(r.Context(), id, s)
	if err != nil {
		return nil, err
	}
	changed, err := l.hold(r, s, now)
	if changed || err != nil {
		return nil, err
	}
	return kept, nil
}

// carried returns the ID of the token that came with r.
func (l *UserLogin) carried(r *http.Request) (session.ID, error) {
	id, err := l.sessions.Carried(r)
	if err == session.ErrNotFound { //nolint:errorlint // as it is, on the common path
		l.pitfalls.warnOfDuplicates(l, r)
	}
	return id, err
}

// fill sets s to the session of the ID, as [session.Manager.Fill] does, if a stage signed
// it in that this one admits; any other is errOtherStage.
func (l *UserLogin) fill(ctx context.Context, id session.ID, s *session.Session) (time.Time, session.Snapshot, error) {
	now, kept, err := l.sessions.Fill(ctx, s, id)
	if err != session.ErrNotFound && l.isOfOtherStage(s, err) { //nolint:errorlint // as it is, on the common path
		*s = session.Session{}
		return now, nil, errOtherStage
	}
	return now, kept, err
}

// hold holds s, the session that the request was sent in, to all that admit does once it
// is found, and records the use, which was now. It reports whether it changed s. Its errors
// are those of admit; with one s is zero.
func (l *UserLogin) hold(r *http.Request, s *session.Session, now time.Time) (changed bool, err error) {
	changed, err = l.check(r, s, now)
	if err != nil {
		*s = session.Session{}
	}
	return changed, err
}

func (l *UserLogin) check(r *http.Request, s *session.Session, now time.Time) (changed bool, err error) {
	if l.accounts != nil {
		if err := l.checkAccount(r, s); err != nil {
			return false, err
		}
	}
	ip, err := l.clientIP(r)
	if err != nil && s.Policy.Binds() {
		return false, err // a binding cannot be checked against an unknown address
	}
	if !s.Drift.Key.IsZero() {
		if err := l.checkKey(r, s, ip, now); err != nil {
			return false, err
		}
	}
	if ip != s.IP || l.reevaluates(s) {
		changed = true
		*s, err = l.enforce(r, *s, ip)
	} else {
		changed, err = l.sessions.Use(r.Context(), s, session.Seen{Time: now, IP: ip})
	}
	if err == nil && l.config.DeviceKey == DeviceKeyRequire {
		changed = l.requireKey(r, s) || changed
	}
	return changed, err
}

// load returns the session of the request, as [session.Manager.Load] does, if a
// stage signed it in that this one admits, and errOtherStage for any other.
func (l *UserLogin) load(r *http.Request) (s session.Session, err error) {
	id, err := l.carried(r)
	if err == nil {
		_, _, err = l.fill(r.Context(), id, &s)
	}
	return s, err
}

// isOfOtherStage reports whether what was loaded, s or the ending in err, is of a
// session that a stage signed in which this one does not admit.
func (l *UserLogin) isOfOtherStage(s *session.Session, err error) bool {
	if err == nil {
		return !l.admits(s.Stage)
	}
	ended, ok := errors.AsType[*session.EndedError](err)
	return ok && !l.admits(ended.Session.Stage)
}

// errOtherStage is an [session.ErrNotFound] for a session that this stage does not
// admit.
var errOtherStage = &otherStageError{}

type otherStageError struct{}

func (*otherStageError) Error() string { return "loginstage: a session of another stage" }
func (*otherStageError) Unwrap() error { return session.ErrNotFound }

// admits reports whether this stage admits the sessions that the named stage signed in.
func (l *UserLogin) admits(stage string) bool {
	return stage == l.config.Name || slices.Contains(l.config.AlsoAdmit, stage)
}

// enforce holds s to its binding where it is used from ip.
func (l *UserLogin) enforce(r *http.Request, s session.Session, ip netip.Addr) (session.Session, error) {
	moved, err := l.judge(r.Context(), s, ip)
	if err != nil {
		return session.Session{}, err
	}
	if moved.action == binding.End {
		return session.Session{}, l.endBroken(r, s, moved)
	}
	if moved.action == binding.Prove {
		if err := l.checkMove(r, s, &moved); err != nil {
			return session.Session{}, err
		}
	}
	before := s.Drift
	s, err = l.sessions.Touch(r.Context(), s, session.Seen{Time: l.sessions.Now(r.Context()), IP: ip, Drift: moved.drift})
	if err != nil {
		return session.Session{}, err
	}
	if learned := moved.drift.Second.IP; learned.IsValid() {
		kept, err := l.sessions.Get(r.Context(), s.ID, session.KindSession)
		if err != nil {
			return session.Session{}, err
		}
		if kept.Drift.Second.IP != learned { // another request was the first to teach one
			return l.enforce(r, kept, ip)
		}
	}
	l.emitMove(r, s, before, moved)
	return s, nil
}

// brokenError carries a session out of admit that this request has ended, or
// found ended, because its binding does not hold.
type brokenError struct{ ended session.Ended }

func (e *brokenError) Error() string { return "loginstage: " + string(e.ended.Ending.Reason) }

// endBroken ends s, once: of requests that find it broken at the same time one
// ends it, and all are denied. One that was ended for another cause meanwhile,
// such as a new sign-in, is a *session.EndedError. A client that hangs up does not
// prevent the ending.
func (l *UserLogin) endBroken(r *http.Request, s session.Session, moved verdict) error {
	ending, about := l.endingBroken(r, moved)
	ended, err := l.sessions.End(context.WithoutCancel(r.Context()), s.ID, ending)
	if before, ok := errors.AsType[*session.EndedError](err); ok && before.Ending.Cause == session.CauseBroken {
		return &brokenError{before.Ended}
	}
	if !ended.ID.IsZero() {
		l.emitBroken(r.Context(), session.Ended{Session: ended, Ending: ending}, about)
	}
	if err != nil {
		return err
	}
	return &brokenError{session.Ended{Session: s, Ending: ending}}
}
