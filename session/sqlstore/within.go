package sqlstore

import (
	"context"
	"fmt"
)

// within makes a step, and names it in the error. It returns no later than ctx
// ends, for not every driver does: lib/pq waits for a server that hangs, and
// SQLite for a lock, however long that takes. What is then still under way goes
// on by itself; whether it is made is unknown, as after any failure.
func within[T any](ctx context.Context, doing string, do func() (T, error)) (T, error) {
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
	select {
	case o := <-done:
		if o.err != nil {
			return none, failed(ctx, doing, o.err)
		}
		return o.made, nil
	case <-ctx.Done():
		return none, failed(ctx, doing, ctx.Err())
	}
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
func withinAlone(ctx context.Context, doing string, do func() error) error {
	_, err := within(ctx, doing, func() (struct{}, error) { return struct{}{}, do() })
	return err
}
