package loginstage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
)

// ErrUnheard is why a context of [UserLogin.Live] ends though nobody knows that its
// session has: no [UserLogin.Watch] runs, or it has not heard from the store for so
// long that the session may have ended.
var ErrUnheard = errors.New("loginstage: no Watch runs, or it does not hear from the store")

// A LiveError is why a context of [UserLogin.Live] ended; context.Cause returns it, and
// so does Err. It is a context.Canceled.
type LiveError struct {
	Session session.ID // the zero ID: the request has no session

	Ending     session.Cause  // why the session ended; empty: it has not, or its ending is forgotten
	Restricted binding.Reason // why the session was restricted, as session.RestrictedIdle; empty: it was not
	Required   []string       // what the user has to do first

	// Err is session.ErrNotFound where there is no session, ErrUnheard, or what failed;
	// nil: the session ended or was restricted.
	Err error
}

// Error says why the context ended.
func (e *LiveError) Error() string {
	switch {
	case e.Restricted != "":
		return fmt.Sprintf("loginstage: live: the session is restricted: %s", e.Restricted)
	case len(e.Required) > 0:
		return fmt.Sprintf("loginstage: live: the session requires %q", e.Required)
	case e.Err != nil:
		return fmt.Sprintf("loginstage: live: %v", e.Err)
	case e.Ending == "":
		return "loginstage: live: the session has ended"
	default:
		return fmt.Sprintf("loginstage: live: the session has ended: %s", e.Ending)
	}
}

// Unwrap returns Err.
func (e *LiveError) Unwrap() error { return e.Err }

// Is reports whether target is context.Canceled.
func (e *LiveError) Is(target error) bool { return target == context.Canceled }

// AccessError returns the denial of a request that the session's client makes now: for
// what tells the client of a stream why it ended. Its Session has the ID, and what
// restricts it, alone; its Ending has the cause alone. [DenialUnavailable] says that
// nobody knows, and carries Err.
func (e *LiveError) AccessError() *AccessError {
	denied := &AccessError{Denial: DenialSignIn, Session: session.Session{ID: e.Session}}
	denied.Session.Drift.Restricted, denied.Session.Required, denied.Ending.Cause = e.Restricted, e.Required, e.Ending
	switch {
	case e.Restricted != "":
		denied.Denial = DenialStepUp
	case len(e.Required) > 0:
		denied.Denial = DenialRequired
	case e.Ending == session.CauseBroken:
		denied.Denial = DenialBroken
	case e.Err != nil && !errors.Is(e.Err, session.ErrNotFound):
		denied.Denial, denied.Err = DenialUnavailable, e.Err
	}
	return denied
}

// Live returns the context of r, which ends when its session does: when it is ended by
// this process or another one, is restricted, or reaches a limit. It is for what stays
// open: server-sent events, WebSockets, streams of gRPC. The cause is a [*LiveError]. It
// ends no later than a second after the context of r, so that nothing needs to be
// released, and a client of the stream finds out by a new request what is wanted of it.
//
// Without a session it has ended already, as it has where the store does not answer:
// Live looks for the session once more, so that what happened since the guard looked
// is not missed.
//
// A device key is proved when a stream is opened, and not again while it is open. Nor is
// the account asked for: a host that disables one calls [UserLogin.RevokeUser], which
// ends its streams at once.
//
// A stream that is open does not count as use: IdleTimeout ends it, unless
// other requests use it or the host calls [UserLogin.LiveInUse] instead.
//
// [UserLogin.Watch] has to run. Where it does not, or does not hear from the store, all
// contexts end with [ErrUnheard] after half a minute. A stream costs about 250 bytes,
// and no goroutine.
func (l *UserLogin) Live(r *http.Request) context.Context { return l.live(r, false) }

// LiveInUse is Live for a stream that counts as use of its session for as long as it is
// open: that is recorded once a minute, or four times in the session's idle limit.
func (l *UserLogin) LiveInUse(r *http.Request) context.Context { return l.live(r, true) }

func (l *UserLogin) live(r *http.Request, inUse bool) context.Context {
	l = l.in(r.Context())
	s := &stream{request: r.Context(), streams: &l.streams, done: make(chan struct{}), inUse: inUse, place: nowhere}
	found, err := l.liveSession(r)
	if err != nil {
		s.finish(&LiveError{Err: err})
		return s
	}
	s.id, s.restricted = found.ID, restricts(denialOf(&found, nil))
	l.streams.add(s, l.endUnwatched)
	ctx, cancel := context.WithTimeout(r.Context(), l.config.StoreTimeout.Std())
	defer cancel()
	if err := l.verify(ctx, s); err != nil {
		l.streams.end(s, &LiveError{Session: s.id, Err: err})
	}
	return s
}

// endUnwatched ends all live contexts if no Watch runs.
func (l *UserLogin) endUnwatched() {
	if n := l.streams.endUnwatched(); n > 0 {
		l.config.Logger.Error("loginstage: no UserLogin.Watch runs: live contexts ended", "contexts", n)
	}
}

// liveSession returns the session that the request was sent in, if it is admitted.
func (l *UserLogin) liveSession(r *http.Request) (session.Session, error) {
	if g := l.foundIn(r.Context()); g != nil {
		if g.admitted {
			return g.current(), nil
		}
		if g.err != nil && !isEnded(g.err) {
			return session.Session{}, g.err
		}
		return session.Session{}, session.ErrNotFound
	}
	var s session.Session
	err := l.admit(r, &s)
	if denial := denialOf(&s, err); denial == DenialUnavailable {
		return session.Session{}, err
	} else if denial != "" {
		return session.Session{}, session.ErrNotFound
	}
	return s, nil
}

// verify looks at the session of a stream. It ends the stream if the session has ended
// or is restricted, and otherwise notes when to look again. An error means that
// nobody knows.
func (l *UserLogin) verify(ctx context.Context, s *stream) error {
	found, err := l.sessions.Get(ctx, s.id, session.KindSession)
	now := l.sessions.Now(ctx)
	every := session.DefaultTouchEvery
	if found.Idle > 0 {
		every = min(every, found.Idle/4)
	}
	ends := err == nil && (isIdle(found) || (restricts(denialOf(&found, nil)) && !s.restricted))
	if err == nil && s.inUse && !ends {
		found, err = l.sessions.Touch(ctx, found, session.Seen{Time: now, IP: found.IP})
	}
	if ended, ok := errors.AsType[*session.EndedError](err); ok {
		l.streams.end(s, &LiveError{Session: s.id, Ending: ended.Ending.Cause})
		return nil
	}
	if errors.Is(err, session.ErrNotFound) {
		l.streams.end(s, &LiveError{Session: s.id, Err: session.ErrNotFound})
		return nil
	}
	if err != nil {
		return err
	}
	if ends {
		l.streams.end(s, &LiveError{Session: s.id, Restricted: found.Drift.Restricted, Required: found.Required})
		return nil
	}
	next := found.IdleAt().Sub(now)
	if found.Drift.Restricted != "" { // whoever is admitted then stays so until it is over
		next = found.Deadline().Sub(now)
	}
	if s.inUse {
		next = min(next, every)
	}
	l.streams.lookIn(s, max(next, time.Millisecond))
	return nil
}
