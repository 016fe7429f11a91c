package loginstage

import (
	"context"
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
	told     dedup
	pitfalls pitfalls
	streams  streams
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
		Logger:       config.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("loginstage: %w", err)
	}
	return l, nil
}

// LostEvents returns how many events no sink has taken, since New: the sink
// returned an error, panicked, or lagged too far behind, or, where DurableEvents is
// on, an ending was not delivered within KeepEndings, as Sweep finds out.
func (l *UserLogin) LostEvents() uint64 { return l.events.lost.Load() }

// Flush waits until the sink has had every event so far, and returns an error if
// ctx ends before. A host calls it before it exits, since events of a slow sink
// are still on their way when requests have been answered.
func (l *UserLogin) Flush(ctx context.Context) error { return l.events.flush(ctx) }

// Sweep makes the store forget what is overdue, and returns how much that was, also
// with an error. Limits hold without it. A host runs it every few minutes: it frees
// space, and, where DurableEvents is on, it is what finds out that a session expired
// unused, so that Deliver tells of it, and that endings were not delivered within
// KeepEndings, which it logs and counts as LostEvents.
func (l *UserLogin) Sweep(ctx context.Context) (int, error) {
	swept, err := l.sessions.Sweep(ctx)
	if n := swept.Undelivered; n > 0 {
		l.events.lost.Add(uint64(n))
		l.config.Logger.ErrorContext(ctx, "loginstage: endings were not delivered within KeepEndings and are lost", "endings", n, "keep_endings", l.config.KeepEndings)
	}
	return swept.Forgotten + swept.Expired, err
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
