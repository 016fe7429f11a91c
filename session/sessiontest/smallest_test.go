package sessiontest_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sessiontest"
)

// The smallest store that keeps the contract. One mutex makes each step atomic. It
// looks at all records in every step, which a store for use must not: that has an
// index by user, one by deadline, and keeps what session.EncodeRecord returns.
type smallest struct {
	mu      sync.Mutex
	records map[session.ID]session.Ended // a live one has no Cause
}

func (s *smallest) Start(_ context.Context, started session.Session, replace session.Replace) ([]session.Ended, error) {
	if err := started.Validate(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, used := s.records[started.ID]; used {
		return nil, session.ErrExists
	}
	var live []session.Candidate
	for id, record := range s.records {
		if record.Ending.Cause == "" && (record.Session.User == started.User || id == replace.Before) {
			live = append(live, record.Session.Candidate())
		}
	}
	victims, err := replace.Choose(started, live)
	if err != nil {
		for _, id := range []session.ID{replace.Answers, replace.Renews} {
			if record, found := s.records[id]; found && record.Ending.Cause != "" {
				return nil, &session.EndedError{Ended: copied(record)}
			}
		}
		return nil, err
	}
	var ended []session.Ended
	for _, victim := range victims {
		record := session.Ended{Session: s.records[victim.ID].Session, Ending: replace.Because(victim.Cause)}
		s.records[victim.ID] = copied(record)
		ended = append(ended, record)
	}
	started.AMR, started.Required, started.Value = slices.Clone(started.AMR), slices.Clone(started.Required), slices.Clone(started.Value)
	s.records[started.ID] = session.Ended{Session: started}
	return ended, nil
}

func (s *smallest) Get(_ context.Context, id session.ID) (session.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live(id)
}

func (s *smallest) live(id session.ID) (session.Session, error) {
	record, found := s.records[id]
	switch {
	case !found:
		return session.Session{}, session.ErrNotFound
	case record.Ending.Cause != "":
		return session.Session{}, &session.EndedError{Ended: copied(record)}
	}
	return record.Session, nil
}

// copied returns the record with bytes of its own, so that what the caller does to
// them changes nothing here.
func copied(record session.Ended) session.Ended {
	record.Ending.Detail = slices.Clone(record.Ending.Detail)
	return record
}

func (s *smallest) Touch(_ context.Context, id session.ID, seen session.Seen) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	touched, err := s.live(id)
	if err == nil && touched.Apply(seen, time.Now()) {
		s.records[id] = session.Ended{Session: touched}
	}
	return err
}

func (s *smallest) Update(_ context.Context, id session.ID, change session.Update) (session.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed, err := s.live(id)
	if err != nil {
		return session.Session{}, err
	}
	if err = changed.Update(change); err == nil {
		s.records[id] = session.Ended{Session: changed}
	}
	return changed, err
}

func (s *smallest) End(_ context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ended, err := s.live(id)
	if err == nil {
		s.records[id] = copied(session.Ended{Session: ended, Ending: ending})
	}
	return ended, err
}

func (s *smallest) EndUser(_ context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ended := s.list(user, kinds)
	ended = slices.DeleteFunc(ended, func(e session.Session) bool { return e.ID == keep })
	for _, e := range ended {
		s.records[e.ID] = copied(session.Ended{Session: e, Ending: ending})
	}
	return ended, nil
}

func (s *smallest) List(_ context.Context, user string, kinds ...session.Kind) ([]session.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list(user, kinds), nil
}

func (s *smallest) list(user string, kinds []session.Kind) []session.Session {
	var found []session.Session
	for _, record := range s.records {
		if record.Ending.Cause == "" && record.Session.User == user && (len(kinds) == 0 || slices.Contains(kinds, record.Session.Kind)) {
			found = append(found, record.Session)
		}
	}
	slices.SortFunc(found, func(a, b session.Session) int { return b.Created.Compare(a.Created) })
	return found
}

func (s *smallest) Sweep(_ context.Context, now time.Time) (session.Swept, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if clock := time.Now(); now.After(clock) {
		now = clock
	}
	var swept session.Swept
	for id, record := range s.records {
		over := record.Session.Deadline()
		if record.Ending.Cause != "" {
			over = record.Ending.Keep
		}
		if !now.Before(over) {
			delete(s.records, id)
			swept.Forgotten++
		}
	}
	return swept, nil
}

func TestSmallestStoreKeepsTheContract(t *testing.T) {
	sessiontest.RunStore(t, func(*testing.T) session.Store {
		return &smallest{records: map[session.ID]session.Ended{}}
	})
}
