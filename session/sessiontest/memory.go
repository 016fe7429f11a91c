package sessiontest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// Journal is a [session.Journal] in memory, for tests of what uses one: it keeps no
// ending past the end of the process. Make one with [NewJournal]. It is safe for
// concurrent use, one step at a time.
type Journal struct {
	store *memstore.Store

	mu      sync.Mutex
	tell    map[session.ID]bool // live sessions whose TellExpiry is set
	waiting []*waiting          // undelivered, in the order in which they happened
	turns   map[string]int      // when each user was last leased to, by leases
	leases  int
}

var (
	_ session.Journal = (*Journal)(nil)
	_ session.Watcher = (*Journal)(nil)
)

// waiting is an ending that has yet to be delivered.
type waiting struct {
	session.Ended
	until time.Time // until when nobody gets it
}

// NewJournal returns an empty journal.
func NewJournal() *Journal {
	return &Journal{store: memstore.New(), tell: map[session.ID]bool{}, turns: map[string]int{}}
}

// keep adds to the journal those of the endings that ask for it.
func (j *Journal) keep(ended ...session.Ended) {
	for _, e := range ended {
		delete(j.tell, e.Session.ID)
		if e.Ending.Journal {
			j.waiting = append(j.waiting, &waiting{Ended: e})
		}
	}
}

// Start makes s live and ends what replace says.
func (j *Journal) Start(ctx context.Context, s session.Session, replace session.Replace) ([]session.Ended, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.expire(ctx, s.Created) // the store in memory forgets some by itself
	ended, err := j.store.Start(ctx, s, replace)
	j.keep(ended...)
	if err == nil && s.TellExpiry > 0 {
		j.tell[s.ID] = true
	}
	return ended, err
}

// Get returns the live session, or its ending.
func (j *Journal) Get(ctx context.Context, id session.ID) (session.Session, error) {
	return j.store.Get(ctx, id)
}

// Touch records that a live session was used.
func (j *Journal) Touch(ctx context.Context, id session.ID, seen session.Seen) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.store.Touch(ctx, id, seen)
}

// Update changes what the host keeps in a live session.
func (j *Journal) Update(ctx context.Context, id session.ID, change session.Update) (session.Session, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.store.Update(ctx, id, change)
}

// End ends a live session and returns it.
func (j *Journal) End(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.end(ctx, id, ending)
}

func (j *Journal) end(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	s, err := j.store.End(ctx, id, ending)
	if err == nil {
		j.keep(session.Ended{Session: s, Ending: ending})
	}
	return s, err
}

// EndUser ends live records of the user and returns them.
func (j *Journal) EndUser(ctx context.Context, user string, keep session.ID, ending session.Ending, kinds ...session.Kind) ([]session.Session, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	ended, err := j.store.EndUser(ctx, user, keep, ending, kinds...)
	for _, s := range ended {
		j.keep(session.Ended{Session: s, Ending: ending})
	}
	return ended, err
}

// List returns live records of the user.
func (j *Journal) List(ctx context.Context, user string, kinds ...session.Kind) ([]session.Session, error) {
	return j.store.List(ctx, user, kinds...)
}

// Sweep forgets what is overdue, and ends what is to be told of.
func (j *Journal) Sweep(ctx context.Context, now time.Time) (session.Swept, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if clock := time.Now(); now.After(clock) {
		now = clock.Round(0).UTC()
	}
	expired := j.expire(ctx, now)
	swept, err := j.store.Sweep(ctx, now)
	swept.Expired = expired
	left := slices.DeleteFunc(slices.Clone(j.waiting), func(w *waiting) bool { return !now.Before(w.Ending.Keep) })
	swept.Undelivered = len(j.waiting) - len(left)
	j.waiting = left
	return swept, err
}

// expire ends the sessions that are overdue at now and to be told of, and returns
// how many those are.
func (j *Journal) expire(ctx context.Context, now time.Time) (n int) {
	for id := range j.tell {
		s, err := j.store.Get(ctx, id)
		if err != nil {
			delete(j.tell, id)
			continue
		}
		if cause := s.Overdue(now); cause != "" {
			ending := session.Ending{Cause: cause, Time: s.Deadline(), Keep: now.Add(s.TellExpiry), Journal: true}
			if _, err := j.end(ctx, id, ending); err == nil {
				n++
			}
		}
	}
	return n
}

// Lease returns undelivered endings, one of each user in turn.
func (j *Journal) Lease(_ context.Context, term time.Duration, limit int) ([]session.Ended, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	free := map[string][]*waiting{}
	held := map[string]bool{} // whose next one is held
	var users []string
	for _, w := range j.waiting {
		user := w.Session.User
		if held[user] = held[user] || w.until.After(now); held[user] || !w.Ending.Keep.After(now) {
			continue
		}
		if free[user] == nil {
			users = append(users, user)
		}
		free[user] = append(free[user], w)
	}
	slices.SortStableFunc(users, func(a, b string) int { return j.turns[a] - j.turns[b] })
	j.leases++
	var leased []session.Ended
	for again := true; again; {
		again = false
		for _, user := range users {
			if len(leased) >= limit || len(free[user]) == 0 {
				continue
			}
			next := free[user][0]
			free[user], again = free[user][1:], true
			next.until = now.Add(term)
			j.turns[user] = j.leases
			leased = append(leased, next.Ended)
		}
	}
	return leased, nil
}

// Delivered forgets the leased endings of the sessions named.
func (j *Journal) Delivered(_ context.Context, ids ...session.ID) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.waiting = slices.DeleteFunc(j.waiting, func(w *waiting) bool { return slices.Contains(ids, w.Session.ID) })
	return nil
}

// Release gives back what was leased.
func (j *Journal) Release(_ context.Context, pause time.Duration, ids ...session.ID) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	for _, w := range j.waiting {
		if slices.Contains(ids, w.Session.ID) && w.until.After(now) {
			w.until = now.Add(pause)
		}
	}
	return nil
}

// Watch tells of changes, as [memstore.Store.Watch] does.
func (j *Journal) Watch(ctx context.Context, every time.Duration, tell func(session.Change)) error {
	return j.store.Watch(ctx, every, tell)
}
