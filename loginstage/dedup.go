package loginstage

import "sync"

// dedupKept is how many events a dedup remembers.
const dedupKept = 1024

// dedup remembers which events this process told lately. A browser that has moved
// sends many requests at once, and each of them finds the move untold in the store.
// The zero value remembers nothing yet; it is safe for concurrent use.
type dedup struct {
	mu     sync.Mutex
	latest [dedupKept]string
	next   int
	known  map[string]struct{}
}

// first reports whether id was not told lately, and remembers it.
func (d *dedup) first(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.known[id]; known {
		return false
	}
	if d.known == nil {
		d.known = make(map[string]struct{})
	}
	delete(d.known, d.latest[d.next])
	d.latest[d.next] = id
	d.known[id] = struct{}{}
	d.next = (d.next + 1) % dedupKept
	return true
}
