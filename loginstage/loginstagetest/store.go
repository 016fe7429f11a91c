package loginstagetest

import (
	"context"
	"sync"
	"time"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// Store is a [session.Store] that can be made to fail, and that counts. It does
// each step in another store. It is safe for concurrent use.
type Store struct {
	store session.Store

	mu    sync.Mutex
	fault func(context.Context, Step) error // nil: none
	calls map[Step]int
}

var _ session.Watcher = (*Store)(nil)

// Step is a method of a store, by its name.
type Step string

// The steps of a store.
const (
	Start   Step = "Start"
	Get     Step = "Get"
	Touch   Step = "Touch"
	Update  Step = "Update"
	End     Step = "End"
	EndUser Step = "EndUser"
	List    Step = "List"
	Sweep   Step = "Sweep"
)

// NewStore returns a store that does its steps in store, and in memory if that
// is nil.
func NewStore(store session.Store) *Store {
	if store == nil {
		store = memstore.New()
	}
	return &Store{store: store, calls: map[Step]int{}}
}

// Fail makes each step fail with err from now on.
func (s *Store) Fail(err error) { s.setFault(func(context.Context, Step) error { return err }) }

// FailStep makes the one step fail with err from now on, and the others work.
func (s *Store) FailStep(step Step, err error) {
	s.setFault(func(_ context.Context, at Step) error {
		if at != step {
			return nil
		}
		return err
	})
}

// Hang makes each step wait until its context is done, from now on, and fail.
func (s *Store) Hang() {
	s.setFault(func(ctx context.Context, _ Step) error {
		<-ctx.Done()
		return ctx.Err()
	})
}

// Repair makes the steps work again.
func (s *Store) Repair() { s.setFault(nil) }

// Calls is how often the step was called, also while it failed.
func (s *Store) Calls(step Step) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[step]
}

func (s *Store) setFault(fault func(context.Context, Step) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

// before counts the step, and fails it if it is to fail.
func (s *Store) before(ctx context.Context, step Step) error {
	s.mu.Lock()
	s.calls[step]++
	fault := s.fault
	s.mu.Unlock()
	if fault == nil {
		return nil
	}
	return fault(ctx, step)
}

// Start starts a session in the other store.
func (s *Store) Start(ctx context.Context, started session.Session, replace session.Replace) ([]session.Ended, error) {
	if err := s.before(ctx, Start); err != nil {
		return nil, err
	}
	return s.store.Start(ctx, started, replace)
}

// Get gets a session from the other store.
func (s *Store) Get(ctx context.Context, id session.ID) (session.Session, error) {
	if err := s.before(ctx, Get); err != nil {
		return session.Session{}, err
	}
	return s.store.Get(ctx, id)
}

// Touch touches a session in the other store.
func (s *Store) Touch(ctx context.Context, id session.ID, seen session.Seen) error {
	if err := s.before(ctx, Touch); err != nil {
		return err
	}
	return s.store.Touch(ctx, id, seen)
}

// Update changes a session in the other store.
func (s *Store) Update(ctx context.Context, id session.ID, change session.Update) (session.Session, error) {
	if err := s.before(ctx, Update); err != nil {
		return session.Session{}, err
	}
	return s.store.Update(ctx, id, change)
}

// End ends a session in the other store.
func (s *Store) End(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	if err := s.before(ctx, End); err != nil {
		return session.Session{}, err
	}
	return s.store.End(ctx, id, ending)
}

// EndUser ends a user's sessions in the other store.
func (s *Store) EndUser(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error) {
	if err := s.before(ctx, EndUser); err != nil {
		return nil, err
	}
	return s.store.EndUser(ctx, user, keep, ending, kinds...)
}

// List lists a user's sessions in the other store.
func (s *Store) List(ctx context.Context, user string, kinds ...session.Kind) ([]session.Session, error) {
	if err := s.before(ctx, List); err != nil {
		return nil, err
	}
	return s.store.List(ctx, user, kinds...)
}

// Sweep sweeps the other store.
func (s *Store) Sweep(ctx context.Context, now time.Time) (session.Swept, error) {
	if err := s.before(ctx, Sweep); err != nil {
		return session.Swept{}, err
	}
	return s.store.Sweep(ctx, now)
}

// Watch tells of the changes in the other store, also while steps fail. It returns
// session.ErrNotWatched where that tells of none.
func (s *Store) Watch(ctx context.Context, every time.Duration, tell func(session.Change)) error {
	watcher, ok := session.StoreAs[session.Watcher](s.store)
	if !ok {
		return session.ErrNotWatched
	}
	return watcher.Watch(ctx, every, tell)
}
