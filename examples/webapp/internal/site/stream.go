package site

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

const (
	maxStreams     = 1000             // open at once, of all users
	maxUserStreams = 8                // open at once, of one user: a page that is not seen has none
	heartbeat      = 5 * time.Second  // how often an open stream looks whether the browser is there
	writeTime      = 10 * time.Second // how long a stream waits for a slow reader
)

// errStreams reports a user, or a server, with too many streams.
var errStreams = errors.New("too many streams are open")

// openStream counts a stream of the user until done is called, or returns errStreams.
func (l *eventLog) openStream(user string) (done func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.of(user)
	if l.streams >= maxStreams || u.streams >= maxUserStreams {
		return nil, errStreams
	}
	l.streams++
	u.streams++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.streams--
		u.streams--
	}, nil
}

// streamEvents sends the user's own events as they happen (Server-Sent Events,
// WHATWG HTML, section 9.2), until the session ends.
func (a *app) streamEvents(w http.ResponseWriter, r *http.Request) {
	current, _ := loginstage.Current(r.Context())
	done, err := a.events.openStream(current.User)
	if err != nil {
		w.Header().Set("Retry-After", "60")
		http.Error(w, err.Error(), http.StatusTooManyRequests)
		return
	}
	defer done()
	after := r.FormValue("after")
	if id := r.Header.Get("Last-Event-ID"); id != "" { // the browser connects again
		after = id
	}
	live := a.login.Live(r) // ends with the session, wherever that is ended
	w.Header().Set("Content-Type", "text/event-stream")
	stream := http.NewResponseController(w)
	_ = stream.SetReadDeadline(time.Time{}) // the server's are for requests that end
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		events, grown := a.events.since(current.User, after)
		_ = stream.SetWriteDeadline(time.Now().Add(writeTime))
		if live.Err() != nil {
			a.endStream(w, stream, live)
			return
		}
		after = a.send(w, events, after)
		fmt.Fprint(w, ":\n\n") // finds out whether the browser is there
		if stream.Flush() != nil {
			return
		}
		select {
		case <-grown:
		case <-beat.C:
		case <-live.Done():
		case <-a.events.closed:
			return
		}
	}
}

// endStream tells the page that its session is over. Where nobody knows that, since
// the store cannot be heard, the page connects again, and the guard answers it.
func (a *app) endStream(w http.ResponseWriter, stream *http.ResponseController, live context.Context) {
	var why *loginstage.LiveError
	if !errors.As(context.Cause(live), &why) || why.Err != nil && !errors.Is(why, session.ErrNotFound) {
		return
	}
	fmt.Fprint(w, "event: ended\ndata:\n\n")
	_ = stream.Flush()
}

// send writes the events to a stream, and returns the ID of the last one, or after
// if there is none.
func (a *app) send(w http.ResponseWriter, events []loginstage.Event, after string) string {
	for _, e := range events {
		after = e.ID
		data, err := json.Marshal(rowOf(e))
		if err != nil {
			a.logger.Error("encoding an event", "event", e.ID, "error", err)
			continue
		}
		fmt.Fprintf(w, "event: happened\nid: %s\ndata: %s\n\n", e.ID, data)
	}
	return after
}
