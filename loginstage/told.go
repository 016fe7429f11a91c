package loginstage

import "sync"

// toldKept is how much is remembered of what was told.
const toldKept = 1024

// told remembers what this process told lately. A browser that has moved sends
// many requests at once, and each of them finds the move untold in the store. The
// zero value remembers nothing yet; it is safe for concurrent use.
type told struct {
	mu     sync.Mutex
	latest [toldKept]string
	next   int
	known  map[string]struct{}
}

// first reports whether id was not told lately, and remembers it.
func (t *told) first(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.known[id]; known {
		return false
	}
	if t.known == nil {
		t.known = make(map[string]struct{})
	}
	delete(t.known, t.latest[t.next])
	t.latest[t.next] = id
	t.known[id] = struct{}{}
	t.next = (t.next + 1) % toldKept
	return true
}
