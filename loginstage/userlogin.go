package loginstage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
)

// UserLogin is the user login stage. It is safe for concurrent use; the zero
// value is not usable, [New] makes one.
type UserLogin struct {
	config   Config
	sessions *session.Manager
	events   *emitter
	told     dedup
	pitfalls pitfalls

	secrets    devicekey.Secrets
	passCookie session.Cookie // its fields are set, so that it is read at no cost
	tokens     tokenFields
	sameOrigin *http.CrossOriginProtection
	asked      asked

	accounts *accounts

	streams streams
}

var _ Stage = (*UserLogin)(nil)

// New returns the stage that config describes, or every mistake in it, joined:
// [*ConfigError] each.
func New(config Config) (*UserLogin, error) {
	config, err := config.completed()
	if err != nil {
		return nil, err
	}
	l := &UserLogin{
		config: config, events: &emitter{sink: config.Events, logger: config.Logger},
		secrets: config.DeviceSecrets, sameOrigin: http.NewCrossOriginProtection(),
	}
	l.accounts = newAccounts(config)
	l.passCookie = l.stageCookie("_bound")
	l.tokens = newTokenFields(config)
	l.sessions, err = session.NewManager(session.Config{
		Store:        config.Store,
		Carrier:      config.Carrier,
		StoreTimeout: config.StoreTimeout.Std(),
		KeepEndings:  config.KeepEndings.Std(),
		Journal:      config.DurableEvents,
		OnEnd:        l.onEnd,
		OnIdle:       l.onIdle,
		Logger:       config.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("loginstage: %w", err)
	}
	return l, nil
}

// LostEvents returns how many events no sink has taken since New. The sink returned an
// error, panicked, or lagged too far behind; or, where DurableEvents is on, Sweep found
// an ending that was not delivered within KeepEndings.
func (l *UserLogin) LostEvents() uint64 { return l.events.lost.Load() }

// Flush waits until the sink has had every event so far, and returns an error if ctx
// ends before. A host calls it before it exits: a slow sink gets events after their
// requests have been answered.
func (l *UserLogin) Flush(ctx context.Context) error { return l.events.flush(ctx) }

// Sweep deletes sessions that have expired and endings that were kept for long enough,
// and returns how many, with an error too. A host runs it every few minutes. Limits
// hold without it.
//
// Where DurableEvents is on, Sweep is what finds that a session expired unused, so that
// Deliver can tell of it. It also logs, and counts as LostEvents, endings that were not
// delivered within KeepEndings.
func (l *UserLogin) Sweep(ctx context.Context) (int, error) {
	swept, err := l.sessions.Sweep(ctx)
	if n := swept.Undelivered; n > 0 {
		l.events.lost.Add(uint64(n))
		l.config.Logger.ErrorContext(ctx, "loginstage: endings were not delivered within KeepEndings and are lost", "endings", n, "keep_endings", l.config.KeepEndings)
	}
	return swept.Forgotten + swept.Expired, err
}

// clientIP returns the address of the request's client, normalized.
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
