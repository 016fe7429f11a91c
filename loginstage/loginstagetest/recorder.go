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
// That of a [Stage] waits, before it says what events there are, until those on
// their way are there, so that what a request brought about can be seen when its
// response is there. A sink of the host's own that hangs is waited for no longer
// than it takes the stage to lose patience with one event.
type Recorder struct {
	arrived func() // waits for what is on its way; nil: nothing is

	mu     sync.Mutex
	events []loginstage.Event
}

// lock locks the recorder once everything is there.
func (r *Recorder) lock() {
	if r.arrived != nil {
		r.arrived()
	}
	r.mu.Lock()
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
	r.lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// Of returns the events so far with the action, in the order in which they came.
func (r *Recorder) Of(action loginstage.Action) []loginstage.Event {
	return slices.DeleteFunc(r.Events(), func(e loginstage.Event) bool { return e.Action != action })
}

// Last returns the latest event, and the zero Event where there is none.
func (r *Recorder) Last() loginstage.Event {
	r.lock()
	defer r.mu.Unlock()
	if len(r.events) == 0 {
		return loginstage.Event{}
	}
	return r.events[len(r.events)-1]
}

// Reset forgets all events.
func (r *Recorder) Reset() {
	r.lock()
	defer r.mu.Unlock()
	r.events = nil
}
