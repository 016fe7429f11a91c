package loginstage

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// emitQueue is how many events wait for a slow sink before more are lost, and
	// emitBatch how many where one step ended many sessions at once, which no sink
	// can keep up with.
	emitQueue = 1024
	emitBatch = 16 * emitQueue
	// emitTimeout is how long a sink has for one event.
	emitTimeout = 10 * time.Second
	// emitSlow is how long the events of other users wait for one event, and
	// emitLanes how many events a sink may be slow with at a time.
	emitSlow  = 2 * time.Second
	emitLanes = 8
)

// emitter gives events to a sink, and keeps what the sink does away from the
// requests that the events came of. It gives them one at a time and in order, but
// goes on past an event that the sink is slow with, for all users but that event's.
// It has goroutines only while there are events to give.
type emitter struct {
	sink   Sink
	logger *slog.Logger
	lost   atomic.Uint64
	losses throttle

	mu       sync.Mutex
	queue    []*emission          // not given yet, in the order in which they came
	out      map[string]*emission // being given, by user, of whom there is one at the most
	active   int                  // goroutines that give, and that no slow event keeps
	stalled  bool                 // a request waited in vain, and events are still waiting
	patience patience
}

type emission struct {
	ctx   context.Context
	event Event
	done  chan struct{} // closed when the sink has had it
	slow  bool
}

// emit gives the events to the sink and waits for it, but not for long.
func (m *emitter) emit(ctx context.Context, events ...Event) {
	m.enqueue(ctx, events...)
	m.wait()
}

// enqueue gives the events to the sink later, in order.
func (m *emitter) enqueue(ctx context.Context, events ...Event) {
	if m.sink == nil || len(events) == 0 {
		return
	}
	ctx = context.WithoutCancel(ctx)
	most := emitQueue
	if len(events) > 1 {
		most = emitBatch
	}
	m.mu.Lock()
	room := min(len(events), max(0, most-len(m.queue)))
	for _, e := range events[:room] {
		m.queue = append(m.queue, &emission{ctx: ctx, event: e, done: make(chan struct{})})
	}
	m.start()
	m.mu.Unlock()
	if room < len(events) {
		m.lose(len(events)-room, events[room], fmt.Errorf("more than %d events are waiting", most))
	}
}

// wait waits until the sink has had what was enqueued last, for as long as the
// emitter's patience lasts, and not at all while the sink has fallen behind.
func (m *emitter) wait() {
	m.mu.Lock()
	began := time.Now()
	left, last := m.patience.left(began), m.last()
	if m.stalled {
		last = nil
	}
	m.mu.Unlock()
	if last == nil || left <= 0 {
		return
	}
	grace := time.NewTimer(left)
	defer grace.Stop()
	inTime := true
	select {
	case <-last.done:
	case <-grace.C:
		inTime = false
	}
	m.mu.Lock()
	m.patience.spend(began, time.Now())
	m.stalled = m.stalled || !inTime && len(m.out) > 0
	m.mu.Unlock()
}

// last returns the event that the sink is to have last, or nil if it has had all
// but those of users with an event that it is slow with. The lock is held.
func (m *emitter) last() *emission {
	for _, e := range slices.Backward(m.queue) {
		if before := m.out[e.event.User]; before == nil || !before.slow {
			return e
		}
	}
	for _, e := range m.out {
		if !e.slow {
			return e
		}
	}
	return nil
}

// flush waits until the sink has had all that was enqueued so far.
func (m *emitter) flush(ctx context.Context) error {
	m.mu.Lock()
	waiting := slices.Clone(m.queue)
	for _, e := range m.out {
		waiting = append(waiting, e)
	}
	m.mu.Unlock()
	for _, e := range waiting {
		select {
		case <-e.done:
		case <-ctx.Done():
			return fmt.Errorf("loginstage: waiting for the sink: %w", ctx.Err())
		}
	}
	return nil
}

// start has a goroutine give what waits, unless one does, or the sink is slow with
// as many events as it may be. The lock is held.
func (m *emitter) start() {
	if m.active == 0 && len(m.queue) > 0 && len(m.out) < emitLanes {
		m.active++
		go m.drain()
	}
}

// drain gives what waits to the sink, until nothing is left, or until another
// goroutine does it, because the sink was slow with an event of this one.
func (m *emitter) drain() {
	for {
		next := m.next()
		if next == nil {
			return
		}
		slow := time.AfterFunc(emitSlow, func() { m.goOnPast(next) })
		err := give(next.ctx, m.sink, next.event)
		slow.Stop()
		if err != nil {
			m.lose(1, next.event, err)
		}
		if !m.given(next) {
			return
		}
	}
}

// next takes from the queue the first event of a user with none being given, or
// returns nil, and the goroutine that asked is to end.
func (m *emitter) next() *emission {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, e := range m.queue {
		if m.out[e.event.User] != nil {
			continue
		}
		if i == 0 {
			m.queue[0] = nil
			m.queue = m.queue[1:]
		} else {
			m.queue = slices.Delete(m.queue, i, i+1)
		}
		if m.out == nil {
			m.out = make(map[string]*emission)
		}
		m.out[e.event.User] = e
		return e
	}
	if len(m.queue) == 0 {
		m.queue = nil
	}
	m.active--
	m.stalled = false
	return nil
}

// goOnPast lets other users' events go on while the sink is slow with e.
func (m *emitter) goOnPast(e *emission) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.out[e.event.User] != e {
		return // it is out by now
	}
	e.slow = true
	m.active--
	m.start()
}

// given records that the sink has had e, and reports whether the goroutine that gave
// it is to go on.
func (m *emitter) given(e *emission) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.out, e.event.User)
	close(e.done)
	if !e.slow {
		return true
	}
	if m.active > 0 {
		return false // another one goes on, with this user's events too
	}
	m.active++
	return true
}

// give gives one event to the sink and turns a panic into an error.
func give(ctx context.Context, sink Sink, e Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("loginstage: the sink panicked: %v", p)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, emitTimeout)
	defer cancel()
	return sink.Emit(ctx, e)
}

// lose counts and logs that no sink has had n events, the latest of them e.
func (m *emitter) lose(n int, e Event, err error) {
	m.lost.Add(uint64(n))
	m.losses.add(n, func(n int) {
		m.logger.Error("loginstage: an event was lost", "events", n, "event", e.ID, "action", e.Action, "cause", e.Cause, "error", err)
	})
}
