package loginstagetest

import (
	"context"
	"sync"
	"time"

	"github.com/mooring-go/mooring/session"
)

// A pairStore is the store of [Pairs]: it has steps wait for their turns, and notes what
// the store has ended, as it has told its callers.
type pairStore struct {
	session.Store

	mu    sync.Mutex
	ended map[session.ID][]session.Ended
}

// Unwrap returns the store inside.
func (s *pairStore) Unwrap() session.Store { return s.Store }

func (s *pairStore) note(ended ...session.Ended) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range ended {
		s.ended[e.Session.ID] = append(s.ended[e.Session.ID], e)
	}
}

func (s *pairStore) Start(ctx context.Context, started session.Session, replace session.Replace) ([]session.Ended, error) {
	awaitTurn(ctx)
	ended, err := s.Store.Start(ctx, started, replace)
	s.note(ended...)
	return ended, err
}

func (s *pairStore) Get(ctx context.Context, id session.ID) (session.Session, error) {
	awaitTurn(ctx)
	return s.Store.Get(ctx, id)
}

func (s *pairStore) Touch(ctx context.Context, id session.ID, seen session.Seen) error {
	awaitTurn(ctx)
	return s.Store.Touch(ctx, id, seen)
}

func (s *pairStore) Update(ctx context.Context, id session.ID, change session.Update) (session.Session, error) {
	awaitTurn(ctx)
	return s.Store.Update(ctx, id, change)
}

func (s *pairStore) End(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	awaitTurn(ctx)
	ended, err := s.Store.End(ctx, id, ending)
	if err == nil {
		s.note(session.Ended{Session: ended, Ending: ending})
	}
	return ended, err
}

func (s *pairStore) EndUser(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error) {
	awaitTurn(ctx)
	ended, err := s.Store.EndUser(ctx, user, keep, ending, kinds...)
	for _, one := range ended {
		s.note(session.Ended{Session: one, Ending: ending})
	}
	return ended, err
}

func (s *pairStore) List(ctx context.Context, user string, kinds ...session.Kind) ([]session.Session, error) {
	awaitTurn(ctx)
	return s.Store.List(ctx, user, kinds...)
}

func (s *pairStore) Sweep(ctx context.Context, now time.Time) (session.Swept, error) {
	awaitTurn(ctx)
	return s.Store.Sweep(ctx, now)
}
