package loginstage_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// journal is a memory store that keeps a journal, as a durable one does.
type journal struct {
	*memstore.Store
	mu      sync.Mutex
	live    map[session.ID]session.Session // those that Sweep is to tell of
	waiting []entry
	fail    error // what Lease, Delivered and Release return, if anything
}

// entry is an ending that waits to be delivered.
type entry struct {
	session.Ended
	leased, paused time.Time // until when
}

func newJournal() *journal {
	return &journal{Store: memstore.New(), live: map[session.ID]session.Session{}}
}

func (j *journal) keep(ended ...session.Ended) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range ended {
		delete(j.live, e.Session.ID)
		if e.Ending.Journal {
			j.waiting = append(j.waiting, entry{Ended: e})
		}
	}
}

func (j *journal) Start(ctx context.Context, s session.Session, replace session.Replace) ([]session.Ended, error) {
	ended, err := j.Store.Start(ctx, s, replace)
	j.keep(ended...)
	if err == nil && s.TellExpiry > 0 {
		j.mu.Lock()
		j.live[s.ID] = s
		j.mu.Unlock()
	}
	return ended, err
}

func (j *journal) End(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	s, err := j.Store.End(ctx, id, ending)
	if err == nil {
		j.keep(session.Ended{Session: s, Ending: ending})
	}
	return s, err
}

func (j *journal) EndUser(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error) {
	sessions, err := j.Store.EndUser(ctx, user, keep, ending, kinds...)
	for _, s := range sessions {
		j.keep(session.Ended{Session: s, Ending: ending})
	}
	return sessions, err
}

// Sweep ends the sessions that ask for it, as those that were never used again.
func (j *journal) Sweep(ctx context.Context, now time.Time) (session.Swept, error) {
	j.mu.Lock()
	overdue := map[session.ID]session.Session{}
	for id, s := range j.live {
		if s.Overdue(now) != "" {
			overdue[id] = s
		}
	}
	undelivered := 0
	j.waiting = slices.DeleteFunc(j.waiting, func(e entry) bool {
		gone := !e.Ending.Keep.After(now)
		if gone {
			undelivered++
		}
		return gone
	})
	j.mu.Unlock()
	for id, s := range overdue {
		ending := session.Ending{Cause: s.Overdue(now), Time: s.Deadline(), Keep: now.Add(s.TellExpiry), Journal: true}
		if _, err := j.End(ctx, id, ending); err != nil {
			return session.Swept{}, err
		}
	}
	swept, err := j.Store.Sweep(ctx, now)
	swept.Expired, swept.Undelivered = len(overdue), undelivered
	return swept, err
}

func (j *journal) Lease(_ context.Context, term time.Duration, limit int) ([]session.Ended, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fail != nil {
		return nil, j.fail
	}
	now := time.Now()
	waits := map[string]bool{}
	var leased []session.Ended
	for i := range j.waiting {
		e := &j.waiting[i]
		if now.Before(e.leased) || now.Before(e.paused) {
			waits[e.Session.User] = true
		}
		if len(leased) < limit && !waits[e.Session.User] {
			e.leased = now.Add(term)
			leased = append(leased, e.Ended)
		}
	}
	return leased, nil
}

func (j *journal) Delivered(_ context.Context, ids ...session.ID) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fail != nil {
		return j.fail
	}
	j.waiting = slices.DeleteFunc(j.waiting, func(e entry) bool { return slices.Contains(ids, e.Session.ID) })
	return nil
}

func (j *journal) Release(_ context.Context, pause time.Duration, ids ...session.ID) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fail != nil {
		return j.fail
	}
	for i := range j.waiting {
		if e := &j.waiting[i]; slices.Contains(ids, e.Session.ID) {
			e.leased, e.paused = time.Time{}, time.Now().Add(pause)
		}
	}
	return nil
}

// undelivered returns how many endings wait.
func (j *journal) undelivered() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.waiting)
}

func (j *journal) setFail(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.fail = err
}
