package rueidisstore

import "context"

// within returns what do returns, or what failed makes of the context's error, once the
// context ends. It does not rely on rueidis to heed the context: there, a call waits without
// it while another one dials, and while the queue of a connection that hangs is full.
func within[T any](ctx context.Context, do func() T, failed func(error) T) T {
	if ctx.Done() == nil {
		return do()
	}
	if err := ctx.Err(); err != nil {
		return failed(err)
	}
	done := make(chan T, 1)
	go func() { done <- do() }()
	select {
	case result := <-done:
		return result
	case <-ctx.Done():
		return failed(ctx.Err())
	}
}
