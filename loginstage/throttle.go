package loginstage

import (
	"sync"
	"time"
)

// throttleEvery is how often a throttle lets something be logged.
const throttleEvery = 10 * time.Second

// throttle logs what can happen a thousand times a second: the first time at once,
// and what follows as a sum, every ten seconds for as long as more follows. The zero
// value is ready to use; it is safe for concurrent use.
type throttle struct {
	mu      sync.Mutex
	held    int         // what was not logged yet
	line    func(n int) // logs it
	waiting bool        // the timer runs
}

// add logs, by line, that it happened n times more, now or later.
func (t *throttle) add(n int, line func(n int)) {
	t.mu.Lock()
	t.held += n
	t.line = line
	if t.waiting {
		t.mu.Unlock()
		return
	}
	t.waiting = true
	n = t.take()
	t.mu.Unlock()
	line(n)
}

// take returns how much is to be logged, and looks again later. The lock is held.
func (t *throttle) take() int {
	n := t.held
	t.held = 0
	time.AfterFunc(throttleEvery, t.again)
	return n
}

// again logs what has happened since, if anything.
func (t *throttle) again() {
	t.mu.Lock()
	if t.held == 0 {
		t.waiting, t.line = false, nil
		t.mu.Unlock()
		return
	}
	line, n := t.line, t.take()
	t.mu.Unlock()
	line(n)
}
