package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

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
	// theirs may come earlier by up to a sixteenth. A store that is [InMemory]
	// needs no bound.
	StoreTimeout time.Duration

	// TouchEvery is how often the use of a session from an unchanged address is
	// recorded at the most. 0: DefaultTouchEvery. Sessions with a short idle
	// limit are recorded at a quarter of it. An idle limit counts from the last
	// recorded use, so it may come early by this much, and never late.
	TouchEvery time.Duration

	// KeepEndings is how long an ending is kept. 0: DefaultKeepEndings.
	KeepEndings time.Duration

	// Journal has each ending kept for delivery, as [Journal] says, also that of a
	// session or a remembered device that reaches a limit unused, once it is swept. The Store has to be a
	// Journal.
	Journal bool

	// OnEnd, if set, is told of each ending that this manager brought about,
	// once, after it has happened: of all that one call brought about together.
	// It must not block.
	OnEnd func(ctx context.Context, ended ...Ended)

	// OnIdle, if set, is told of each session that this manager restricts because it
	// went unused for too long: see [RestrictedIdle]. Several may be told of one, at the
	// same moment. It must not block.
	OnIdle func(ctx context.Context, s Session)

	// Logger is told when the process's clock differs from the store's. nil:
	// slog.Default().
	Logger *slog.Logger
}

// Manager issues tokens, finds the session of a token, holds it to its limits,
// and ends sessions. It is safe for concurrent use.
type Manager struct {
	config   Config
	inMemory bool
	snapshot func(ID) Snapshot // nil: the store takes none
	shared   atomic.Pointer[deadline]
	clock    *storeClock
}

// NewManager returns a manager, or every mistake in config, joined.
func NewManager(config Config) (*Manager, error) {
	var mistakes []error
	if config.Store == nil {
		mistakes = append(mistakes, errors.New("session: Store is nil: want a store, such as memstore.New()"))
	}
	if config.Journal {
		if _, ok := StoreAs[Journal](config.Store); !ok {
			mistakes = append(mistakes, fmt.Errorf("session: Journal with a %T: want a store that keeps a journal", config.Store))
		}
	}
	if config.Carrier == nil {
		config.Carrier = Cookie{}
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
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
	_, inMemory := StoreAs[InMemory](config.Store)
	return &Manager{config: config, inMemory: inMemory, snapshot: snapshots(config.Store), clock: newStoreClock(config.Store, config.Logger)}, nil
}

// With returns a manager that is as m but for what change does to its configuration, or
// every mistake in that, joined. Both have the store and the logger of m, whatever change
// does to these, and compare the clocks once for the two of them. m stays as it is.
func (m *Manager) With(change func(*Config)) (*Manager, error) {
	config := m.config
	change(&config)
	config.Store, config.Logger = m.config.Store, m.config.Logger
	changed, err := NewManager(config)
	if err != nil {
		return nil, err
	}
	changed.clock = m.clock
	return changed, nil
}

// Now returns the time by which the manager judges limits: the store's, if that
// is a [Clock], to within a tenth of a second, and the process's otherwise. It is
// UTC, without a monotonic part.
func (m *Manager) Now(ctx context.Context) time.Time { return m.clock.now(ctx, m.config.StoreTimeout) }

// Issue makes s live and ends what replace says. It returns the session's token,
// which is stored nowhere, and s as it was started: with its ID and, where they
// were zero, its Created and LastSeen. Its times are UTC, without a monotonic part, as
// every store returns them. A LastSeen after now counts as now. A session
// that [Session.Validate] refuses, or that has expired already, is [ErrInvalid].
//
// StoreTimeout bounds each attempt. Where the user has more sessions to end than one
// attempt can, Issue goes on as long as each ends some and ctx allows.
func (m *Manager) Issue(ctx context.Context, s Session, replace Replace) (Token, Session, error) {
	now := m.Now(ctx)
	if s.Created.IsZero() {
		s.Created = now
	}
	if s.LastSeen.IsZero() || s.LastSeen.After(now) {
		s.LastSeen = now
	}
	for _, t := range []*time.Time{&s.Created, &s.LastSeen, &s.Expires, &s.AuthTime} {
		*t = t.Round(0).UTC()
	}
	s.TellExpiry = 0
	if m.config.Journal && (s.Kind == KindSession || s.Kind == KindDevice) {
		s.TellExpiry = m.config.KeepEndings
	}
	token := NewToken(s.User)
	s.ID = token.ID()
	err := s.Validate()
	if err == nil && !s.Expires.After(now) {
		err = fmt.Errorf("%w: Expires %s, want a time after now, %s", ErrInvalid, s.Expires.Format(time.RFC3339Nano), now.Format(time.RFC3339Nano))
	}
	if err != nil {
		return Token{}, Session{}, err
	}
	replace.Ending = m.complete(ctx, replace.Ending)
	for again := false; ; again = true {
		more, err := m.start(ctx, s, replace)
		if again && errors.Is(err, ErrExists) {
			err = nil // nobody else has the ID: an attempt that seemed to fail had started s
		}
		if err == nil {
			return token, s, nil
		}
		if !more {
			return Token{}, Session{}, fmt.Errorf("session: starting: %w", err)
		}
	}
}

// start makes one attempt to start s, and reports whether another one would get
// further: this one ran out of time and has ended some of what s replaces.
func (m *Manager) start(ctx context.Context, s Session, replace Replace) (more bool, err error) {
	bounded, cancel := m.bound(ctx)
	defer cancel()
	ended, err := m.config.Store.Start(bounded, s, replace)
	m.tell(ctx, ended...)
	return len(ended) > 0 && bounded.Err() != nil && ctx.Err() == nil, err
}

// Authenticate returns the signed-in session of the token. It returns
// ErrNotFound where there is none, as for the token of a pending session or of a
// device, and *EndedError for one that has ended, also by reaching a limit right
// now. Any other error means that nobody knows, and that the request must not be
// taken for an anonymous one. A session whose Drift is Restricted may do nothing but
// have its user proved again, which is for the caller to see to.
func (m *Manager) Authenticate(ctx context.Context, token Token) (Session, error) {
	return m.Find(ctx, token, KindSession)
}

// Find returns the live record of the token if it is of the kind, and otherwise
// an error, as [Manager.Authenticate] does. A record of another kind is
// ErrNotFound, and nothing becomes of it.
func (m *Manager) Find(ctx context.Context, token Token, kind Kind) (Session, error) {
	if token.IsZero() {
		return Session{}, ErrNotFound
	}
	bounded, cancel := m.boundLoad(ctx)
	defer cancel()
	var s Session
	_, err := m.get(ctx, bounded, token.ID(), kind, &s)
	return s, err
}

// Fill sets s to the signed-in session of the ID, which [Manager.Carried] returned. It is
// [Manager.Authenticate] for middleware: a session is large, and a copy at each step takes
// as long as all else that is done for a request. It returns the time, as Now does, at
// which the session had reached no limit, and the session as the store has it, or nil
// where the store is no [Snapshotter] or had to be asked. With an error s is zero.
func (m *Manager) Fill(ctx context.Context, s *Session, id ID) (time.Time, Snapshot, error) {
	if m.snapshot != nil {
		if kept := m.snapshot(id); kept != nil {
			*s = kept.Session()
			now := m.Now(ctx)
			if s.Kind == KindSession && overdue(s, now) == "" && !becomesIdle(s, now) {
				return now, kept, nil
			}
		}
	}
	bounded, cancel := m.boundLoad(ctx)
	defer cancel()
	now, err := m.get(ctx, bounded, id, KindSession, s)
	return now, nil, err
}

// Get returns the live record of the ID if it is of the kind. One that has
// reached a limit is ended, or restricted as [RestrictedIdle] says. Errors are as for
// [Manager.Find].
func (m *Manager) Get(ctx context.Context, id ID, kind Kind) (Session, error) {
	bounded, cancel := m.bound(ctx)
	defer cancel()
	var s Session
	_, err := m.get(ctx, bounded, id, kind, &s)
	return s, err
}

// get is Get into s, with bounded for the store to look for the session, and ctx for all
// else. It returns the time by which it judged.
func (m *Manager) get(ctx, bounded context.Context, id ID, kind Kind, s *Session) (now time.Time, err error) {
	if *s, err = m.config.Store.Get(bounded, id); err == nil && s.Kind == kind {
		now = m.Now(ctx)
		cause := overdue(s, now)
		if cause == "" && becomesIdle(s, now) {
			return now, m.restrictIdle(ctx, s, now)
		}
		if cause == "" {
			return now, nil
		}
		ending := m.complete(ctx, Ending{Cause: cause})
		if _, err = m.End(ctx, id, ending); err == nil {
			err = &EndedError{Ended{*s, ending}}
		}
		*s = Session{}
		return now, err
	}
	*s = Session{}
	if err == nil || err == ErrNotFound { //nolint:errorlint // as it is, without a cost, on the common path
		return now, ErrNotFound
	}
	if ended, ok := errors.AsType[*EndedError](err); ok && ended.Session.Kind != kind {
		return now, ErrNotFound
	}
	return now, fmt.Errorf("session: getting: %w", err)
}

// becomesIdle reports whether s has reached its idle limit and can be resumed, which is not
// recorded yet.
func becomesIdle(s *Session, now time.Time) bool {
	return s.Resume > 0 && s.Drift.Restricted == "" && idle(s, now)
}

// restrictIdle restricts s, which has reached its idle limit and can be resumed, for good:
// no process whose clock is behind lifts that. With an error s is zero.
func (m *Manager) restrictIdle(ctx context.Context, s *Session, now time.Time) error {
	seen := Seen{Time: s.LastSeen, IP: s.IP, Drift: Drift{Restricted: RestrictedIdle}}
	bounded, cancel := m.bound(ctx)
	defer cancel()
	if err := m.config.Store.Touch(bounded, s.ID, seen); err != nil {
		*s = Session{}
		return fmt.Errorf("session: restricting: %w", err)
	}
	s.Apply(seen, now)
	if m.config.OnIdle != nil {
		m.config.OnIdle(ctx, *s)
	}
	return nil
}

// idle reports whether s has reached its idle limit at now, as overdue does.
func idle(s *Session, now time.Time) bool { return !now.Before(s.limit(usedBy(s, now), s.Idle)) }

// overdue returns what s.Overdue does.
func overdue(s *Session, now time.Time) Cause { return s.overdue(usedBy(s, now), now) }

// usedBy returns when s was used last. A LastSeen that is ahead of now says nothing of
// that, so that s has been idle since Created.
func usedBy(s *Session, now time.Time) time.Time {
	if ahead(s.LastSeen, now) {
		return s.Created
	}
	return s.LastSeen
}

// Touch records that s was used from where seen says, if that is due: at once
// where the address is another one or there is a drift to add, and otherwise as
// [Config.TouchEvery] says. It returns the session as it is then known. A session that
// is restricted because it was idle cannot be used, which would put its end off: of seen
// its drift alone is recorded, without Moves.
func (m *Manager) Touch(ctx context.Context, s Session, seen Seen) (Session, error) {
	if _, err := m.Use(ctx, &s, seen); err != nil {
		return Session{}, err
	}
	return s, nil
}

// Use is [Manager.Touch] of s in its place, without copying it: for middleware, which
// mostly has nothing to record. It reports whether it recorded something, which s has
// then. With an error s stays as it was.
func (m *Manager) Use(ctx context.Context, s *Session, seen Seen) (recorded bool, err error) {
	if s.Drift.Restricted == RestrictedIdle {
		seen.Time, seen.IP, seen.Drift.Moves = s.LastSeen, s.IP, nil
	}
	if !m.due(s, &seen) {
		return false, nil
	}
	bounded, cancel := m.bound(ctx)
	defer cancel()
	if err := m.config.Store.Touch(bounded, s.ID, seen); err != nil {
		return false, fmt.Errorf("session: touching: %w", err)
	}
	s.Apply(seen, m.Now(ctx))
	return true, nil
}

func (m *Manager) due(s *Session, seen *Seen) bool {
	every := m.config.TouchEvery
	if s.Idle > 0 {
		every = min(every, s.Idle/4)
	}
	return seen.IP != s.IP || seen.Time.Sub(s.LastSeen) >= every || ahead(s.LastSeen, seen.Time) || !seen.Drift.isZero()
}

// Update makes the change in the live record of the ID and returns it as it is then.
// Errors are as for [Store.Update]; with ErrConflict comes the record as it is.
func (m *Manager) Update(ctx context.Context, id ID, update Update) (Session, error) {
	bounded, cancel := m.bound(ctx)
	defer cancel()
	s, err := m.config.Store.Update(bounded, id, update)
	if err != nil {
		return s, fmt.Errorf("session: updating: %w", err)
	}
	return s, nil
}

// End ends a live session and returns it, to exactly one caller; all others get
// *EndedError or ErrNotFound. A session that comes with another error was ended, which may
// not last: see [Store]. End fills in ending.Time and ending.Keep where they are zero.
func (m *Manager) End(ctx context.Context, id ID, ending Ending) (Session, error) {
	ending = m.complete(ctx, ending)
	bounded, cancel := m.bound(ctx)
	defer cancel()
	s, err := m.config.Store.End(bounded, id, ending)
	if _, before := errors.AsType[*EndedError](err); before || s.ID != id {
		s = Session{}
	} else {
		m.tell(ctx, Ended{s, ending})
	}
	if err != nil {
		return s, fmt.Errorf("session: ending: %w", err)
	}
	return s, nil
}

// EndUser ends the records of the user that are of one of the kinds, or of any
// kind if none is named, but for the one that keep names. It returns how many it
// ended, also with an error: those stay ended. A [KindCredentials], which tells of such a
// call, does not count. StoreTimeout bounds each attempt;
// EndUser goes on as long as each ends some and ctx allows.
func (m *Manager) EndUser(ctx context.Context, user string, keep ID, ending Ending, kinds ...Kind) (int, error) {
	ending = m.complete(ctx, ending)
	for total := 0; ; {
		n, more, err := m.endSome(ctx, user, keep, ending, kinds)
		total += n
		if err == nil {
			return total, nil
		}
		if !more {
			return total, fmt.Errorf("session: ending a user's sessions: %w", err)
		}
	}
}

// endSome makes one attempt to end the records, and returns how many it ended and
// whether another attempt would get further.
func (m *Manager) endSome(ctx context.Context, user string, keep ID, ending Ending, kinds []Kind) (n int, more bool, err error) {
	bounded, cancel := m.bound(ctx)
	defer cancel()
	sessions, err := m.config.Store.EndUser(bounded, user, keep, ending, kinds...)
	ended := make([]Ended, len(sessions))
	for i, s := range sessions {
		ended[i] = Ended{s, ending}
		if s.Kind != KindCredentials {
			n++
		}
	}
	m.tell(ctx, ended...)
	return n, len(sessions) > 0 && bounded.Err() != nil && ctx.Err() == nil, err
}

// List returns the user's live records of the kind that are not over, the latest
// sign-in first. One that has reached its idle limit and can be resumed is restricted,
// as [RestrictedIdle] says, whether or not the store knows yet.
func (m *Manager) List(ctx context.Context, user string, kind Kind) ([]Session, error) {
	bounded, cancel := m.bound(ctx)
	defer cancel()
	all, err := m.config.Store.List(bounded, user, kind)
	if err != nil {
		return nil, fmt.Errorf("session: listing: %w", err)
	}
	now := m.Now(ctx)
	var live []Session
	for i := range all {
		s := &all[i]
		if overdue(s, now) != "" {
			continue
		}
		if s.Resume > 0 && s.Drift.Restricted == "" && idle(s, now) {
			s.Drift.Restricted = RestrictedIdle
		}
		live = append(live, *s)
	}
	return live, nil
}

// Sweep makes the store forget what is overdue, and returns what that was. It
// takes as long as the store needs.
func (m *Manager) Sweep(ctx context.Context) (Swept, error) {
	swept, err := m.config.Store.Sweep(ctx, m.Now(ctx))
	if err != nil {
		return swept, fmt.Errorf("session: sweeping: %w", err)
	}
	return swept, nil
}

// complete fills in what a caller may leave out of an ending.
func (m *Manager) complete(ctx context.Context, e Ending) Ending {
	if e.Time.IsZero() {
		e.Time = m.Now(ctx)
	}
	if e.Keep.IsZero() {
		e.Keep = e.Time.Add(m.config.KeepEndings)
	}
	e.Journal = e.Journal || m.config.Journal
	return e
}

func (m *Manager) tell(ctx context.Context, ended ...Ended) {
	if m.config.OnEnd != nil && len(ended) > 0 {
		m.config.OnEnd(ctx, ended...)
	}
}
