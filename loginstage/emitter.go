package loginstage

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// emitQueue is how many events wait for a slow sink before more are lost.
	emitQueue = 1024
	// emitTimeout is how long a sink has for one event.
	emitTimeout = 10 * time.Second
	// emitGrace is how long a request waits for the sink, so that its events
	// are out when its response is, unless the sink is slow.
	emitGrace = 100 * time.Millisecond
)

// emitter gives events to a sink, one at a time and in order, and keeps what
// the sink does away from the requests that the events came of. It has a
// goroutine only while there are events to give.
type emitter struct {
	sink   Sink
	logger *slog.Logger
	lost   atomic.Uint64

	mu      sync.Mutex
	queue   []emission
	last    <-chan struct{} // closed when the latest emission is out; nil: none yet
	running bool
	stalled bool // an event waited longer than the grace, and is not out yet
}

type emission struct {
	ctx   context.Context
	event Event
	done  chan struct{}
}

// emit gives e to the sink and waits for it, but not for long.
func (m *emitter) emit(ctx context.Context, e Event) {
	if m.sink == nil {
		return
	}
	done, wait := m.enqueue(emission{context.WithoutCancel(ctx), e, make(chan struct{})})
	if !wait {
		return
	}
	grace := time.NewTimer(emitGrace)
	defer grace.Stop()
	select {
	case <-done:
	case <-grace.C:
		m.mu.Lock()
		m.stalled = m.running
		m.mu.Unlock()
	}
}

func (m *emitter) enqueue(next emission) (done <-chan struct{}, wait bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.queue) >= emitQueue {
		m.lose(next.event, fmt.Errorf("more than %d events are waiting", emitQueue))
		return nil, false
	}
	m.queue = append(m.queue, next)
	m.last = next.done
	if !m.running {
		m.running = true
		go m.drain()
	}
	return next.done, !m.stalled
}

// flush waits until all that was enqueued so far is out.
func (m *emitter) flush(ctx context.Context) error {
	m.mu.Lock()
	last := m.last
	m.mu.Unlock()
	if last == nil {
		return nil
	}
	select {
	case <-last:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("loginstage: waiting for the sink: %w", ctx.Err())
	}
}

// drain gives the queue to the sink until it is empty.
func (m *emitter) drain() {
	for {
		m.mu.Lock()
		if len(m.queue) == 0 {
			m.queue, m.running, m.stalled = nil, false, false
			m.mu.Unlock()
			return
		}
		next := m.queue[0]
		m.queue = m.queue[1:]
		m.mu.Unlock()
		if err := give(next.ctx, m.sink, next.event); err != nil {
			m.lose(next.event, err)
		}
		close(next.done)
	}
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

func (m *emitter) lose(e Event, err error) {
	m.lost.Add(1)
	m.logger.Error("loginstage: an event was lost", "event", e.ID, "action", e.Action, "cause", e.Cause, "error", err)
}
