package loginstagetest

import (
	"context"
	"slices"
	"sync"

	"github.com/mooring-go/mooring/loginstage"
)

// Recorder is a [loginstage.Sink] that keeps all events. The zero value has none
// and is ready to use. It is safe for concurrent use.
//
// A stage waits for its sink, up to a few milliseconds, before a request is
// answered, so what a request brought about is there when its response is.
type Recorder struct {
	mu     sync.Mutex
	events []loginstage.Event
}

// Emit records e. The error is always nil.
func (r *Recorder) Emit(_ context.Context, e loginstage.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	return nil
}

// Events returns all events so far, in the order in which they came.
func (r *Recorder) Events() []loginstage.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// Of returns the events so far with the action, in the order in which they came.
func (r *Recorder) Of(action loginstage.Action) []loginstage.Event {
	return slices.DeleteFunc(r.Events(), func(e loginstage.Event) bool { return e.Action != action })
}

// Last returns the latest event, and the zero Event where there is none.
func (r *Recorder) Last() loginstage.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.events) == 0 {
		return loginstage.Event{}
	}
	return r.events[len(r.events)-1]
}

// Reset forgets all events.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = nil
}
