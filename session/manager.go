package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

// ErrPending is returned for a session that still waits for the answer to a
// challenge and signs nobody in.
var ErrPending = errors.New("session: pending, not signed in")

// The defaults of a [Config].
const (
	DefaultStoreTimeout = 3 * time.Second
	DefaultTouchEvery   = time.Minute
	DefaultKeepEndings  = 24 * time.Hour
)

// Config is what a [Manager] is made of. Only Store is required.
type Config struct {
	Store   Store
	Carrier Carrier // nil: the zero Cookie

	// StoreTimeout bounds each step of the store, so that a request is answered
	// though the store is not. 0: DefaultStoreTimeout. Loads share deadlines, so
	// theirs may come earlier by up to a sixteenth. A store with a method
	// InMemory() answers at once and needs no bound.
	StoreTimeout time.Duration

	// TouchEvery is how often the use of a session from an unchanged address is
	// recorded at the most. 0: DefaultTouchEvery. Sessions with a short idle
	// limit are recorded at a quarter of it. An idle limit counts from the last
	// recorded use, so it may come early by this much, and never late.
	TouchEvery time.Duration

	// KeepEndings is how long an ending is kept. 0: DefaultKeepEndings.
	KeepEndings time.Duration

	// Journal has each ending kept for delivery, as [Journal] says. The Store
	// has to be one.
	Journal bool

	// OnEnd, if set, is told of each ending that this manager brought about,
	// once, after it has happened. It must not block.
	OnEnd func(ctx context.Context, ended Ended)
}

// Manager issues and rotates tokens, loads the session of a request, holds it
// to its limits, and ends sessions. It is safe for concurrent use.
type Manager struct {
	config   Config
	inMemory bool
	shared   atomic.Pointer[deadline]
}

// NewManager returns a manager, or every mistake in config, joined.
func NewManager(config Config) (*Manager, error) {
	var mistakes []error
	if config.Store == nil {
		mistakes = append(mistakes, errors.New("session: Store is nil: want a store, such as memstore.New()"))
	}
	if _, ok := config.Store.(Journal); config.Journal && !ok {
		mistakes = append(mistakes, fmt.Errorf("session: Journal with a %T: want a store that keeps a journal", config.Store))
	}
	if config.Carrier == nil {
		config.Carrier = Cookie{}
	}
	if carrier, ok := config.Carrier.(Validator); ok {
		mistakes = append(mistakes, carrier.Validate())
	}
	for _, d := range []struct {
		name     string
		value    *time.Duration
		standard time.Duration
	}{
		{"StoreTimeout", &config.StoreTimeout, DefaultStoreTimeout},
		{"TouchEvery", &config.TouchEvery, DefaultTouchEvery},
		{"KeepEndings", &config.KeepEndings, DefaultKeepEndings},
	} {
		if *d.value < 0 {
			mistakes = append(mistakes, fmt.Errorf("session: %s %s: want a positive duration, or 0 for %s", d.name, *d.value, d.standard))
		}
		if *d.value == 0 {
			*d.value = d.standard
		}
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	_, inMemory := config.Store.(interface{ InMemory() })
	return &Manager{config: config, inMemory: inMemory}, nil
}

// Load returns the signed-in session whose token came with the request. It
// returns ErrNotFound where there is none, ErrPending for a pending one, and
// *EndedError for one that has ended, also by reaching a limit right now. Any
// other error means that nobody knows, and that the request must not be taken
// for an anonymous one. A client that hangs up meanwhile does not end it.
func (m *Manager) Load(r *http.Request) (Session, error) {
	s, err := m.load(r)
	if err == nil && s.Pending {
		return Session{}, ErrPending
	}
	return s, err
}

// LoadPending returns the pending session whose token came with the request,
// and otherwise an error as [Manager.Load] does; ErrNotFound for one that is
// not pending.
func (m *Manager) LoadPending(r *http.Request) (Session, error) {
	s, err := m.load(r)
	if err == nil && !s.Pending {
		return Session{}, ErrNotFound
	}
	return s, err
}

func (m *Manager) load(r *http.Request) (Session, error) {
	token, err := m.config.Carrier.Read(r)
	if err != nil {
		return Session{}, fmt.Errorf("session: reading the token: %w", err)
	}
	if token.IsZero() {
		return Session{}, ErrNotFound
	}
	bounded, cancel := m.boundLoad(r.Context())
	defer cancel()
	return m.get(r.Context(), bounded, token.ID())
}

// Get returns the live session of the ID, also a pending one. One that has
// reached a limit is ended. Errors are as for [Manager.Load].
func (m *Manager) Get(ctx context.Context, id ID) (Session, error) {
	bounded, cancel := m.bound(ctx)
	defer cancel()
	return m.get(ctx, bounded, id)
}

// get is Get, with bounded for the store to look for the session, and ctx for
// all else.
func (m *Manager) get(ctx, bounded context.Context, id ID) (Session, error) {
	s, err := m.config.Store.Get(bounded, id)
	if err != nil {
		if err == ErrNotFound { //nolint:errorlint // as it is, without a cost, on the common path
			return Session{}, err
		}
		return Session{}, fmt.Errorf("session: getting: %w", err)
	}
	if cause := s.Overdue(Now()); cause != "" {
		ending := m.complete(Ending{Cause: cause})
		if _, err := m.End(ctx, id, ending); err != nil {
			return Session{}, err
		}
		return Session{}, &EndedError{Ended{s, ending}}
	}
	return s, nil
}

// Touch records that s was used from where seen says, if that is due: at once
// where the address is another one or there is a drift to add, and otherwise as
// [Config.TouchEvery] says. It returns the session as it is then known.
func (m *Manager) Touch(ctx context.Context, s Session, seen Seen) (Session, error) {
	if !m.due(&s, &seen) {
		return s, nil
	}
	ctx, cancel := m.bound(ctx)
	defer cancel()
	if err := m.config.Store.Touch(ctx, s.ID, seen); err != nil {
		return Session{}, fmt.Errorf("session: touching: %w", err)
	}
	s.Apply(seen)
	return s, nil
}

func (m *Manager) due(s *Session, seen *Seen) bool {
	every := m.config.TouchEvery
	if s.Idle > 0 {
		every = min(every, s.Idle/4)
	}
	return seen.IP != s.IP || seen.Time.Sub(s.LastSeen) >= every || !seen.Drift.IsZero()
}

// End ends a live session and returns it, to exactly one caller; all others get
// *EndedError or ErrNotFound. It fills in ending.Time and ending.Keep where they
// are zero.
func (m *Manager) End(ctx context.Context, id ID, ending Ending) (Session, error) {
	ending = m.complete(ending)
	bounded, cancel := m.bound(ctx)
	defer cancel()
	s, err := m.config.Store.End(bounded, id, ending)
	if err != nil {
		return Session{}, fmt.Errorf("session: ending: %w", err)
	}
	m.tell(ctx, Ended{s, ending})
	return s, nil
}

// EndUser ends all sessions of the user but the one that keep names, and
// returns how many that were.
func (m *Manager) EndUser(ctx context.Context, user string, keep ID, ending Ending) (int, error) {
	ending = m.complete(ending)
	bounded, cancel := m.bound(ctx)
	defer cancel()
	sessions, err := m.config.Store.EndUser(bounded, user, keep, ending)
	if err != nil {
		return 0, fmt.Errorf("session: ending a user's sessions: %w", err)
	}
	for _, s := range sessions {
		m.tell(ctx, Ended{s, ending})
	}
	return len(sessions), nil
}

// List returns the user's signed-in sessions that have reached no limit, the
// latest sign-in first.
func (m *Manager) List(ctx context.Context, user string) ([]Session, error) {
	ctx, cancel := m.bound(ctx)
	defer cancel()
	all, err := m.config.Store.List(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("session: listing: %w", err)
	}
	now := Now()
	var live []Session
	for _, s := range all {
		if !s.Pending && s.Overdue(now) == "" {
			live = append(live, s)
		}
	}
	return live, nil
}

// Sweep makes the store forget what is overdue, and returns how much that was.
// It takes as long as the store needs.
func (m *Manager) Sweep(ctx context.Context) (int, error) {
	n, err := m.config.Store.Sweep(ctx, Now())
	if err != nil {
		return n, fmt.Errorf("session: sweeping: %w", err)
	}
	return n, nil
}

// Clear takes the token from the client. It does not end the session.
func (m *Manager) Clear(w http.ResponseWriter, r *http.Request) error {
	if err := m.config.Carrier.Clear(w, r); err != nil {
		return fmt.Errorf("session: clearing the carrier: %w", err)
	}
	return nil
}

// Now is the current time as sessions record it: UTC, without a monotonic part.
func Now() time.Time { return time.Now().Round(0).UTC() }

// complete fills in what a caller may leave out of an ending.
func (m *Manager) complete(e Ending) Ending {
	if e.Time.IsZero() {
		e.Time = Now()
	}
	if e.Keep.IsZero() {
		e.Keep = e.Time.Add(m.config.KeepEndings)
	}
	e.Journal = e.Journal || m.config.Journal
	return e
}

func (m *Manager) tell(ctx context.Context, ended ...Ended) {
	if m.config.OnEnd == nil {
		return
	}
	for _, e := range ended {
		m.config.OnEnd(ctx, e)
	}
}
