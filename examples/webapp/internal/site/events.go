package site

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

const (
	keptEvents = 30               // per user
	heartbeat  = 2 * time.Second  // how often an open stream checks that its session lives
	writeTime  = 10 * time.Second // how long a stream waits for a slow reader
)

// eventLog is a [loginstage.Sink] that keeps each user's latest events in
// memory, for that user to see. It is safe for concurrent use.
type eventLog struct {
	mu     sync.Mutex
	users  map[string]*userEvents
	closed chan struct{}
}

type userEvents struct {
	events []loginstage.Event // oldest first
	grown  chan struct{}      // closed when there is another event
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

// streamEvents sends the user's own events as they happen (Server-Sent Events,
// WHATWG HTML, section 9.2), until the session ends.
func (a *app) streamEvents(w http.ResponseWriter, r *http.Request) {
	current, _ := loginstage.Current(r.Context())
	after := r.FormValue("after")
	if id := r.Header.Get("Last-Event-ID"); id != "" { // the browser connects again
		after = id
	}
	w.Header().Set("Content-Type", "text/event-stream")
	stream := http.NewResponseController(w)
	_ = stream.SetReadDeadline(time.Time{}) // the server's are for requests that end
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		events, grown := a.events.since(current.User, after)
		_ = stream.SetWriteDeadline(time.Now().Add(writeTime))
		fmt.Fprint(w, ":\n\n")
		for _, e := range events {
			if after = e.ID; e.Action == loginstage.ActionLogout && e.Session == current.ID {
				fmt.Fprint(w, "event: ended\ndata:\n\n")
				_ = stream.Flush()
				return
			}
			data, err := json.Marshal(rowOf(e))
			if err != nil {
				a.logger.Error("encoding an event", "event", e.ID, "error", err)
				continue
			}
			fmt.Fprintf(w, "event: happened\nid: %s\ndata: %s\n\n", e.ID, data)
		}
		if err := stream.Flush(); err != nil {
			return
		}
		select {
		case <-grown:
		case <-beat.C:
			if !a.lives(r.Context(), current) {
				fmt.Fprint(w, "event: ended\ndata:\n\n")
				return
			}
		case <-r.Context().Done():
			return
		case <-a.events.closed:
			return
		}
	}
}

// lives reports whether the session still does. Another process may have ended
// it, or its limit.
func (a *app) lives(ctx context.Context, current session.Session) bool {
	sessions, err := a.login.Sessions(ctx, current.User)
	for _, s := range sessions {
		if s.ID == current.ID {
			return true
		}
	}
	return err != nil // a store that fails signs nobody out
}
