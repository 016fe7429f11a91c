package loginstage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
)

// UserLogin is the user login stage. It is safe for concurrent use; the zero
// value is not usable, [New] makes one.
type UserLogin struct {
	config   Config
	sessions *session.Manager
	events   *emitter
	told     told
	pitfalls pitfalls
}

var _ Stage = (*UserLogin)(nil)

// New returns the stage that config describes, or every mistake in it, joined:
// [*ConfigError] each.
func New(config Config) (*UserLogin, error) {
	config, err := config.completed()
	if err != nil {
		return nil, err
	}
	l := &UserLogin{config: config, events: &emitter{sink: config.Events, logger: config.Logger}}
	l.sessions, err = session.NewManager(session.Config{
		Store:        config.Store,
		Carrier:      config.Carrier,
		StoreTimeout: config.StoreTimeout.Std(),
		KeepEndings:  config.KeepEndings.Std(),
		Journal:      config.DurableEvents,
		OnEnd:        l.onEnd,
	})
	if err != nil {
		return nil, fmt.Errorf("loginstage: %w", err)
	}
	return l, nil
}

// LostEvents is how many events no sink has taken, since New: it returned an
// error, panicked, or was too slow.
func (l *UserLogin) LostEvents() uint64 { return l.events.lost.Load() }

// Flush waits until the sink has had every event so far, and returns an error if
// ctx ends before. A host calls it before it exits, since events of a slow sink
// are still on their way when requests have been answered.
func (l *UserLogin) Flush(ctx context.Context) error { return l.events.flush(ctx) }

// Sweep makes the store forget what is overdue, and returns how much that was.
// Limits hold without it; it frees space, and a host runs it every few minutes.
func (l *UserLogin) Sweep(ctx context.Context) (int, error) {
	swept, err := l.sessions.Sweep(ctx)
	return swept.Forgotten + swept.Expired, err
}

// onEnd tells of sessions that have ended, unless Deliver will, or nobody asked.
func (l *UserLogin) onEnd(ctx context.Context, ended ...session.Ended) {
	if l.config.DurableEvents || l.config.Events == nil {
		return
	}
	about, _ := ctx.Value(aboutKey{}).(*Context)
	for _, one := range ended {
		if event, ok := eventOf(one, about); ok {
			l.events.emit(ctx, event)
		}
	}
}

// aboutKey is where a context that ends one session has the *Context which the
// detail of the ending was written from, so that it need not be read again.
type aboutKey struct{}

// ending is how a session ends by a request or, where that is nil, by the host.
func (l *UserLogin) ending(r *http.Request, cause session.Cause, actor string) session.Ending {
	about := contextOf(r, nil)
	return l.endingAbout(r, cause, actor, &about)
}

// endingBroken is how a session ends whose binding is broken, and what it is
// about.
func (l *UserLogin) endingBroken(r *http.Request, moved verdict) (session.Ending, *Context) {
	about := contextOf(r, &moved)
	ending := l.endingAbout(r, session.CauseBroken, "", &about)
	ending.Reason = moved.broken.Reason
	return ending, &about
}

// endingAbout is an ending with what a later event needs.
func (l *UserLogin) endingAbout(r *http.Request, cause session.Cause, actor string, about *Context) session.Ending {
	ending := session.Ending{Cause: cause, Actor: actor}
	if r != nil {
		ending.Client, _ = l.clientIP(r)
	}
	detail, err := json.Marshal(about)
	if err != nil {
		l.config.Logger.Error("loginstage: an ending has no detail", "cause", cause, "error", err)
		return ending
	}
	ending.Detail = detail
	return ending
}

// contextOf is what an event is about that came of a request, nil: of none, and of
// what was broken, nil: nothing was.
func contextOf(r *http.Request, moved *verdict) Context {
	var c Context
	if r != nil {
		c.HTTPRequest = requestOf(r)
	}
	if moved != nil {
		broken := moved.broken
		c.ASN, c.Geo = broken.To.ASN, broken.To.Geo
		c.Binding = broken
		c.IP = &Move{Previous: broken.From.IP, New: broken.To.IP}
		c.Decision = moved.explained
	}
	return c
}

// eventOf is the event of an ending, or false for one that nobody needs to hear
// of. What it is about is read from the ending where it is not at hand, so an
// ending gives the same event whenever and wherever it is told.
func eventOf(ended session.Ended, about *Context) (Event, bool) {
	s, ending := ended.Session, ended.Ending
	action := ActionLogout
	switch s.Kind {
	case session.KindSession:
	case session.KindDevice:
		if ending.Cause != session.CauseRevoked {
			return Event{}, false
		}
		action = ActionDeviceForgotten
	default: // nobody was signed in with it
		return Event{}, false
	}
	event := Event{
		ID: eventID(action, s.ID), Version: EventVersion, Time: ending.Time,
		Action: action, Cause: ending.Cause, User: s.User, Session: s.ID, Stage: s.Stage,
		ClientIP: ending.Client, Actor: ending.Actor,
	}
	if about != nil {
		event.Context = *about
	} else if len(ending.Detail) > 0 {
		// A detail that cannot be read leaves the event without a context: that
		// the session ended counts for more.
		_ = json.Unmarshal(ending.Detail, &event.Context)
	}
	if action == ActionLogout {
		event.Context.LogoutReason = logoutReasons[ending.Cause]
	}
	return event, true
}

// clientIP is the address of the request's client as locations hold it.
func (l *UserLogin) clientIP(r *http.Request) (netip.Addr, error) {
	ip, err := l.config.ClientIP.ClientIP(r)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("loginstage: the client's address: %w", err)
	}
	return binding.Normalize(ip), nil
}

// isEnded reports whether err says that a session has ended or never was.
func isEnded(err error) bool {
	if err == session.ErrNotFound { //nolint:errorlint // as it is, on the common path
		return true
	}
	_, ended := errors.AsType[*session.EndedError](err)
	return ended || errors.Is(err, session.ErrNotFound)
}
