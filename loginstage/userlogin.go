package loginstage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
)

// UserLogin is the user login stage. It is safe for concurrent use; the zero
// value is not usable, [New] makes one.
type UserLogin struct {
	*running

	// The rest is set in a snapshot alone, which is what a request is handled by: the
	// stage by one [Settings]. The host's own has none of it, and begins each call with
	// the snapshot that in returns. A snapshot never changes.
	snapshot bool
	settings Settings // as they were given
	config   Config   // with them, complete
	sessions *session.Manager
	accounts *accounts
	tokens   tokenFields
}

// running is what a stage keeps while its settings change. All its snapshots share it.
type running struct {
	latest  atomic.Pointer[UserLogin] // snapshot
	setting sync.Mutex                // held by Apply
	wired   Config                    // as the host gave it to New; Apply goes by what is no setting

	events   *emitter
	told     dedup
	pitfalls pitfalls

	secrets    devicekey.Secrets
	passCookie session.Cookie // its fields are set, so that it is read at no cost
	sameOrigin *http.CrossOriginProtection
	asked      asked

	streams streams
}

var _ Stage = (*UserLogin)(nil)

// New returns the stage that config describes, or every mistake in it, joined:
// [*ConfigError] each.
func New(config Config) (*UserLogin, error) {
	complete, err := config.completed()
	if err != nil {
		return nil, err
	}
	shared := &running{
		wired: config, events: &emitter{sink: complete.Events, logger: complete.Logger},
		secrets: complete.DeviceSecrets, sameOrigin: http.NewCrossOriginProtection(),
	}
	first := &UserLogin{
		running: shared, snapshot: true, settings: config.Settings().clone(), config: complete, accounts: newAccounts(complete),
	}
	shared.passCookie = first.stageCookie("_bound")
	first.tokens = newTokenFields(complete)
	first.sessions, err = session.NewManager(session.Config{
		Store:        complete.Store,
		Carrier:      complete.Carrier,
		StoreTimeout: complete.StoreTimeout.Std(),
		KeepEndings:  complete.KeepEndings.Std(),
		Journal:      complete.DurableEvents,
		OnEnd:        first.onEnd,
		OnIdle:       first.onIdle,
		Logger:       complete.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("loginstage: %w", err)
	}
	shared.latest.Store(first)
	return &UserLogin{running: shared}, nil
}

// in returns the snapshot for what is done in ctx: l itself if it is one; the one of the
// guard of this stage that the request came through; and otherwise the latest. So a
// request is handled by one snapshot from its guard to its end.
func (l *UserLogin) in(ctx context.Context) *UserLogin {
	if l.snapshot {
		return l
	}
	if g := l.foundIn(ctx); g != nil {
		return g.login
	}
	return l.latest.Load()
}

// is reports whether other is this stage, by whichever settings. nil is none.
func (l *UserLogin) is(other *UserLogin) bool { return other != nil && other.running == l.running }

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
	l = l.in(ctx)
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
