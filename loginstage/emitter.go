package loginstage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// emitQueue is how many events wait for a slow sink before more are lost. emitShare
	// is how many of them a user has for certain: these are not lost for another
	// user's.
	emitQueue = 1024
	emitShare = 64
	// emitBatch is how many events wait besides that came together, because one step
	// ended many sessions: no sink keeps up with that.
	emitBatch = 16 * emitQueue
	// emitTimeout is how long a sink has for one event.
	emitTimeout = 10 * time.Second
	// emitSlow is how long the events of other users wait for one event, and
	// emitLanes how many events a sink may be slow with at a time.
	emitSlow  = 2 * time.Second
	emitLanes = 8
)

// emitter gives events to a sink, so that the sink never holds up the requests that the
// events come from. It gives them one at a time and in order. Where the sink is slow
// with an event, the events of other users go on, and that user's wait. It has
// goroutines only while there are events to give.
type emitter struct {
	sink   Sink
	logger *slog.Logger
	lost   atomic.Uint64
	losses throttle

	mu       sync.Mutex
	queue    []*emission          // not given yet, in the order in which they came
	batched  int                  // of those: how many came in a batch
	single   map[string]int       // and how many did not, by user
	out      map[string]*emission // being given, by user, of whom there is one at the most
	active   int                  // goroutines that give, and that no slow event keeps
	stalled  bool                 // a request waited in vain, and events are still waiting
	patience patience
}

type emission struct {
	ctx   context.Context
	event Event
	batch bool          // one of several that came together
	done  chan struct{} // closed when the sink has had it, or it is lost
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
	var lost []Event
	m.mu.Lock()
	for _, e := range events {
		next := &emission{ctx: ctx, event: e, batch: len(events) > 1, done: make(chan struct{})}
		if over := m.add(next); over != nil {
			lost = append(lost, over.event)
			close(over.done)
		}
	}
	m.start()
	m.mu.Unlock()
	if n := len(lost); n > 0 {
		m.lose(n, lost[n-1], errors.New("too many events are waiting for the sink"))
	}
}

// add appends e to the queue, and returns the event that is lost for it, if any: of
// another user, who has most of the queue, or e. The lock is held.
func (m *emitter) add(e *emission) (lost *emission) {
	switch {
	case e.batch && m.batched >= emitBatch:
		return e
	case e.batch:
		m.batched++
	case len(m.queue)-m.batched < emitQueue:
		m.count(e.event.User, 1)
	default:
		if lost = m.crowdedOut(e.event.User); lost == nil {
			return e
		}
		m.count(lost.event.User, -1)
		m.count(e.event.User, 1)
	}
	m.queue = append(m.queue, e)
	return lost
}

// crowdedOut removes from the queue, and returns, the last event of a user who has more
// than a share of it, if the user whose event needs room has less. The lock is held.
func (m *emitter) crowdedOut(user string) *emission {
	if m.single[user] >= emitShare {
		return nil
	}
	for i, e := range slices.Backward(m.queue) {
		if !e.batch && m.single[e.event.User] > emitShare {
			m.queue = slices.Delete(m.queue, i, i+1)
			return e
		}
	}
	return nil
}

// count adds n to how many events of the user wait. The lock is held.
func (m *emitter) count(user string, n int) {
	if m.single == nil {
		m.single = make(map[string]int)
	}
	if m.single[user] += n; m.single[user] == 0 {
		delete(m.single, user)
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

// last returns the event that the sink will have last, passing over users with an event
// that it is slow with, or nil if nothing else waits. The lock is held.
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

// start makes a goroutine that gives what waits, unless one does so already, or the
// sink is slow with as many events as it may be. The lock is held.
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

// next removes from the queue, and returns, the first event of a user for whom the sink
// has none at the moment. It returns nil where there is none, and the goroutine that
// asked ends.
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
		if e.batch {
			m.batched--
		} else {
			m.count(e.event.User, -1)
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
