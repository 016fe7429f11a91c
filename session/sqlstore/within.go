package sqlstore

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// grace is how long a step that ctx has ended may take to say what it made. Most
// drivers return at once.
const grace = 50 * time.Millisecond

// within makes a step, and names it in the error. It returns soon after ctx ends,
// for not every driver does: lib/pq waits for a server that hangs, and SQLite for a
// lock, however long that takes. What is then still under way goes on by itself;
// whether it is made is unknown, as after any failure.
func within[T any](ctx context.Context, s *Store, doing string, do func() (T, error)) (T, error) {
	var none T
	type outcome struct {
		made T
		err  error
	}
	done := make(chan outcome, 1)
	go func() {
		made, err := attempt(do)
		done <- outcome{made, err}
	}()
	var o outcome
	select {
	case o = <-done:
	case <-ctx.Done():
		select {
		case o = <-done:
		case <-time.After(grace):
			o.err = ctx.Err()
		}
	}
	if o.err != nil {
		return none, s.failed(ctx, doing, o.err)
	}
	return o.made, nil
}

// attempt does do, and has an error for a panic: on a goroutine that is not of
// net/http nobody else could.
func attempt[T any](do func() (T, error)) (made T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the driver panicked: %v", p)
		}
	}()
	return do()
}

// withinAlone is within for a step that returns nothing.
func withinAlone(ctx context.Context, s *Store, doing string, do func() error) error {
	_, err := within(ctx, s, doing, func() (struct{}, error) { return struct{}{}, do() })
	return err
}

// made is what the transactions of one call have made so far, to be returned
// even if a later one fails or hangs.
type made[T any] struct {
	mu  sync.Mutex
	all []T
}

func (m *made[T]) add(more []T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all = append(m.all, more...)
}

// soFar returns all of it. What is added later does not change that.
func (m *made[T]) soFar() []T {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.all[:len(m.all):len(m.all)]
}
