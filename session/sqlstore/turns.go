package sqlstore

import (
	"context"
	"sync"
)

// turns has callers with the same number come one after the other, in the order
// in which they came. They wait here, before they take a connection: else those
// who wait for one user in the database would hold all connections of the pool.
type turns struct {
	mu    sync.Mutex
	taken map[int64]*turn
}

type turn struct {
	busy    chan struct{} // of one place
	callers int           // those who have it or wait for it
}

// take waits until it is the caller's turn, and returns how to end that; or ctx's
// error.
func (t *turns) take(ctx context.Context, number int64) (end func(), err error) {
	t.mu.Lock()
	one := t.taken[number]
	if one == nil {
		if t.taken == nil {
			t.taken = map[int64]*turn{}
		}
		one = &turn{busy: make(chan struct{}, 1)}
		t.taken[number] = one
	}
	one.callers++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if one.callers--; one.callers == 0 {
			delete(t.taken, number)
		}
	}
	select {
	case one.busy <- struct{}{}:
		return func() { <-one.busy; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
