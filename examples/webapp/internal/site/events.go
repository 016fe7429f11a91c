package site

import (
	"context"
	"sync"

	"github.com/mooring-go/mooring/loginstage"
)

// keptEvents is how many events of each user are kept.
const keptEvents = 30

// eventLog is a [loginstage.Sink] that keeps each user's latest events in
// memory, for that user to see. It is safe for concurrent use.
type eventLog struct {
	mu      sync.Mutex
	users   map[string]*userEvents
	streams int // that are open, of all users
	closed  chan struct{}
}

type userEvents struct {
	events  []loginstage.Event // oldest first
	grown   chan struct{}      // closed when there is another event
	streams int                // that are open
}

func newEventLog() *eventLog {
	return &eventLog{users: make(map[string]*userEvents), closed: make(chan struct{})}
}

// Emit keeps e.
func (l *eventLog) Emit(_ context.Context, e loginstage.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.of(e.User)
	u.events = append(u.events[max(0, len(u.events)-keptEvents+1):], e)
	close(u.grown)
	u.grown = make(chan struct{})
	return nil
}

// latest returns what is kept of the user's events, oldest first.
func (l *eventLog) latest(user string) []loginstage.Event {
	events, _ := l.since(user, "")
	return events
}

// since returns the user's events after the one with the ID, or all of them if
// that is not known, and a channel that is closed when there is another.
func (l *eventLog) since(user, after string) ([]loginstage.Event, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.of(user)
	first := 0
	for i, e := range u.events {
		if e.ID == after {
			first = i + 1
		}
	}
	return append([]loginstage.Event(nil), u.events[first:]...), u.grown
}

func (l *eventLog) of(user string) *userEvents {
	u, ok := l.users[user]
	if !ok {
		u = &userEvents{grown: make(chan struct{})}
		l.users[user] = u
	}
	return u
}

// close ends all streams. It is called once.
func (l *eventLog) close() { close(l.closed) }
