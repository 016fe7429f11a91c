package loginstage

import (
	"context"
	"sync"
	"time"

	"github.com/mooring-go/mooring/session"
)

// A stream is a context of Live. It is small, since there may be 100,000 of them: it
// does not hang on the request's context, which would take as much again.
type stream struct {
	request context.Context
	streams *streams
	done    chan struct{}
	next    *stream     // with an ID of the same hash
	after   *afterFuncs // nil: none

	// With the lock of streams.
	cause error         // why it ended; nil: it has not
	look  time.Duration // when to look at the session, since the streams began
	id    session.ID
	place int32 // among streams.looks; nowhere: it is not there

	inUse      bool // counts as use
	restricted bool // is for a session that was restricted when it began
	failed     uint8
}

var _ context.Context = (*stream)(nil)

// nowhere is the place of a stream that nobody looks at.
const nowhere = -1

// Deadline returns the deadline of the request.
func (s *stream) Deadline() (time.Time, bool) { return s.request.Deadline() }

// Done returns a channel that is closed when the session, or the request, is over.
func (s *stream) Done() <-chan struct{} { return s.done }

// Value returns the value of the request.
func (s *stream) Value(key any) any { return s.request.Value(key) }

// Err returns why the context has ended.
func (s *stream) Err() error {
	if s.request.Err() != nil {
		s.streams.end(s, context.Cause(s.request))
	}
	s.streams.mu.Lock()
	defer s.streams.mu.Unlock()
	return s.cause
}

// finish ends the context. It is called with the lock, or before anybody knows s.
func (s *stream) finish(cause error) {
	s.cause = cause
	close(s.done)
	if s.after != nil {
		s.after.run()
		s.after = nil
	}
}

// afterFuncs are what is to be called when a stream ends.
type afterFuncs struct{ all map[*func()]struct{} }

func (a *afterFuncs) run() {
	for f := range a.all {
		go (*f)()
	}
}

// AfterFunc calls f in a goroutine of its own once the context has ended, unless stop
// is called before. By this method package context derives contexts without a
// goroutine for each.
func (s *stream) AfterFunc(f func()) (stop func() bool) {
	t := s.streams
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.cause != nil {
		go f()
		return func() bool { return false }
	}
	if s.after == nil {
		s.after = &afterFuncs{map[*func()]struct{}{}}
	}
	key := &f
	s.after.all[key] = struct{}{}
	return func() bool {
		t.mu.Lock()
		defer t.mu.Unlock()
		if s.after == nil {
			return false
		}
		_, waits := s.after.all[key]
		delete(s.after.all, key)
		return waits
	}
}

// streams are the contexts of Live that have not ended. The zero value is ready.
type streams struct {
	mu    sync.Mutex
	begun time.Time
	byID  map[uint64]*stream // by the hash of the session's ID
	looks looks              // all of them, the next to look at first

	watches int           // how many calls of Watch run
	heard   time.Duration // when a Watch last heard from the store, or began
	grace   *time.Timer   // ends all if no Watch has begun by then
	swept   int           // up to which place the requests were looked at
	wake    chan struct{} // has a value when the first of looks is another one
}

// unheardFor is for how long contexts go on without a Watch that hears.
const unheardFor = 30 * time.Second

// clock returns the time since the streams began. It is called with the lock.
func (t *streams) clock() time.Duration {
	if t.begun.IsZero() {
		t.begun = time.Now()
		t.byID = map[uint64]*stream{}
		t.wake = make(chan struct{}, 1)
	}
	return time.Since(t.begun)
}

// add makes s one that changes are told to. It has unwatched called in a while if no
// Watch runs.
func (t *streams) add(s *stream, unwatched func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.look = t.clock() + unheardFor
	hash := s.id.Hash()
	s.next = t.byID[hash]
	t.byID[hash] = s
	t.looks.add(s)
	if t.watches == 0 && t.grace == nil {
		t.grace = time.AfterFunc(unheardFor, unwatched)
	}
}

// endUnwatched ends all streams if no Watch runs, and returns how many.
func (t *streams) endUnwatched() (ended int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.grace = nil
	if t.watches == 0 {
		ended = len(t.looks)
		t.endAll()
	}
	return ended
}

// endAll ends all streams, with ErrUnheard. It is called with the lock.
func (t *streams) endAll() {
	for len(t.looks) > 0 {
		s := t.looks[len(t.looks)-1]
		t.remove(s, &LiveError{Session: s.id, Err: ErrUnheard})
	}
}

// end ends a stream, if it has not ended.
func (t *streams) end(s *stream, cause error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.cause == nil {
		t.remove(s, cause)
	}
}

// remove ends a stream that has not ended. It is called with the lock.
func (t *streams) remove(s *stream, cause error) {
	t.looks.remove(s)
	hash := s.id.Hash()
	at := t.byID[hash]
	if at == s {
		if s.next == nil {
			delete(t.byID, hash)
		} else {
			t.byID[hash] = s.next
		}
	}
	for ; at != nil; at = at.next {
		if at.next == s {
			at.next = s.next
		}
	}
	s.finish(cause)
}

// endSession ends the streams of a session that which chooses.
func (t *streams) endSession(id session.ID, cause *LiveError, which func(*stream) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for s := t.byID[id.Hash()]; s != nil; {
		next := s.next
		if s.id == id && which(s) {
			t.remove(s, cause)
		}
		s = next
	}
}

// lookIn notes that the session of s is to be looked at after a while.
func (t *streams) lookIn(s *stream, after time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.cause != nil {
		return
	}
	s.failed = 0
	s.look = t.clock() + after
	t.looks.moved(s)
	if s.place == 0 {
		t.awake()
	}
}

// awake has the loop of Watch look at once. It is called with the lock.
func (t *streams) awake() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// lookAtSession has a session looked at again.
func (t *streams) lookAtSession(id session.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for s := t.byID[id.Hash()]; s != nil; s = s.next {
		if s.id == id {
			s.look = t.clock()
			t.looks.moved(s)
			t.awake()
		}
	}
}

// lookAtAll has each session looked at again: changes of them may have been missed.
func (t *streams) lookAtAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock()
	for _, s := range t.looks { // all the same: any order is that of a heap
		s.look = now
	}
	t.awake()
}

// due returns up to most streams whose sessions are to be looked at, and otherwise for
// how long there is nothing to do. They are looked at again later, whatever comes of it.
func (t *streams) due(most int) (due []*stream, pause time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock()
	for len(t.looks) > 0 && len(due) < most {
		s := t.looks[0]
		if s.look > now {
			return due, s.look - now
		}
		due = append(due, s)
		s.look = now + unheardFor
		t.looks.moved(s)
	}
	return due, unheardFor
}

// perSweep is how many requests one sweep looks at with the lock.
const perSweep = 1000

// sweep ends the streams of requests that are over, and reports whether it has looked
// at all.
func (t *streams) sweep() (done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for range perSweep {
		if t.swept >= len(t.looks) {
			t.swept = 0
			return true
		}
		s := t.looks[t.swept]
		if s.request.Err() != nil {
			t.remove(s, context.Cause(s.request)) // another one has its place now
			continue
		}
		t.swept++
	}
	return false
}
