package loginstage

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/mooring-go/mooring/session"
)

const (
	// watchEvery is how often Watch makes sure that it hears, and a store that is
	// looked at is looked at.
	watchEvery = 250 * time.Millisecond
	// sweepStreamsEvery is how often the requests of streams are looked at.
	sweepStreamsEvery = 500 * time.Millisecond
	// lookers is how many sessions are looked at at a time.
	lookers = 16
	// retryLook is when a session is looked at again that could not be.
	retryLook = time.Second
)

// Watch ends the contexts of [UserLogin.Live] when their sessions end, until ctx does:
// all that are left then end with [ErrUnheard], so that a server that shuts down is not
// held up by its streams. It needs a store that is a session.Watcher, and returns
// session.ErrNotWatched for any other. A host runs one, for as long as it serves:
//
//	go func() { errs <- login.Watch(ctx) }()
//
// Where the store cannot be heard, contexts go on for half a minute, and end with
// ErrUnheard then. Where it can be heard again all sessions are looked at.
func (l *UserLogin) Watch(ctx context.Context) error {
	store := l.latest.Load().config.Store
	watcher, ok := session.StoreAs[session.Watcher](store)
	if !ok {
		return fmt.Errorf("loginstage: watching a %T: %w", store, session.ErrNotWatched)
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	l.streams.watched(1)
	running.Go(func() { l.lookAfterStreams(ctx) })
	defer func() {
		cancel()
		running.Wait()
		l.streams.watched(-1)
	}()
	if err := watcher.Watch(ctx, watchEvery, func(c session.Change) { l.heed(ctx, c) }); err != nil {
		return fmt.Errorf("loginstage: watching: %w", err)
	}
	return nil
}

// watched notes that one more Watch runs, or one less. Streams end with the last.
func (t *streams) watched(more int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.heard = t.clock()
	t.watches += more
	if t.watches == 0 {
		t.endAll()
	}
}

// heed does what a change asks for.
func (l *UserLogin) heed(ctx context.Context, c session.Change) {
	switch c.Kind {
	case session.ChangeEnded:
		l.streams.endSession(c.ID, &LiveError{Session: c.ID, Ending: c.Cause}, func(*stream) bool { return true })
	case session.ChangeUpdated:
		if c.Restricted != "" {
			l.streams.endSession(c.ID, &LiveError{Session: c.ID, Restricted: c.Restricted},
				func(s *stream) bool { return !s.restricted || c.Restricted == session.RestrictedIdle })
		}
		l.streams.lookAtSession(c.ID) // an action may be required
	case session.ChangeConnected:
		l.streams.hear()
		l.streams.lookAtAll()
	case session.ChangeHeard:
		l.streams.hear()
	case session.ChangeLost:
		l.latest.Load().config.Logger.WarnContext(ctx, "loginstage: changes of sessions may be missed", "error", c.Err)
	}
}

// hear notes that changes are heard.
func (t *streams) hear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.heard = t.clock()
}

// endUnheard ends all streams if changes were not heard for too long.
func (t *streams) endUnheard() (ended int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.clock()-t.heard < unheardFor {
		return 0
	}
	ended = len(t.looks)
	t.endAll()
	return ended
}

// lookAfterStreams looks at the sessions of streams when that is due, and for requests
// that are over, until ctx ends.
func (l *UserLogin) lookAfterStreams(ctx context.Context) {
	sweeping := time.NewTicker(sweepStreamsEvery)
	defer sweeping.Stop()
	for {
		due, pause := l.streams.due(lookers)
		if len(due) > 0 {
			l.latest.Load().lookAt(ctx, due)
			if ctx.Err() == nil {
				pause = 0
			}
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		case <-l.streams.wake:
		case <-sweeping.C:
			for !l.streams.sweep() {
			}
			if n := l.streams.endUnheard(); n > 0 {
				l.latest.Load().config.Logger.ErrorContext(ctx, "loginstage: changes of sessions are not heard: live contexts ended", "contexts", n)
			}
		}
		timer.Stop()
	}
}

// lookAt verifies the sessions of streams, at the same time.
func (l *UserLogin) lookAt(ctx context.Context, due []*stream) {
	ctx, cancel := context.WithTimeout(ctx, l.config.StoreTimeout.Std())
	defer cancel()
	var running sync.WaitGroup
	for _, s := range due {
		running.Go(func() {
			if err := l.verify(ctx, s); err != nil {
				l.streams.failed(s, err)
			}
		})
	}
	running.Wait()
}

// failed has a session looked at again soon, for as long as unheardFor; then the stream
// ends with what failed.
func (t *streams) failed(s *stream, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.cause != nil {
		return
	}
	if s.failed++; time.Duration(s.failed)*retryLook >= unheardFor {
		t.remove(s, &LiveError{Session: s.id, Err: err})
		return
	}
	s.look = t.clock() + retryLook
	t.looks.moved(s)
}
