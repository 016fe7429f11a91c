package session

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

const (
	// clockEvery is how often the process's clock is compared with the store's.
	clockEvery = 30 * time.Second
	// clockRetry is when it is compared again where the store did not answer.
	clockRetry = time.Second
	// clockAllowance is by how much the two may differ and count as equal: what
	// comparing them over a network cannot tell apart from no difference.
	clockAllowance = 100 * time.Millisecond
	// clockWarning is by how much they differ when it is logged.
	clockWarning = time.Second
)

// A storeClock tells the time by a store's clock, without asking it each time.
// The zero value tells the process's.
type storeClock struct {
	source  Clock // nil: the process's clock
	logger  *slog.Logger
	latest  atomic.Pointer[comparison]
	running atomic.Bool // one caller at a time compares
}

// A comparison is how far the store's clock was ahead of the process's.
type comparison struct {
	ahead time.Duration
	made  time.Time // by the process's monotonic clock
}

// now returns the store's time. Every half minute one caller asks for it and
// waits for the answer, for the timeout at most. Where the store does not say,
// what it said last counts.
func (c *storeClock) now(ctx context.Context, timeout time.Duration) time.Time {
	local := time.Now()
	if c.source == nil {
		return local.Round(0).UTC()
	}
	latest := c.latest.Load()
	if latest == nil || local.Sub(latest.made) >= clockEvery {
		latest = c.compare(ctx, timeout, latest)
		local = time.Now()
	}
	return local.Add(latest.ahead).Round(0).UTC()
}

// compare asks the store for its time, unless another caller is doing so and
// there is an earlier comparison to go by.
func (c *storeClock) compare(ctx context.Context, timeout time.Duration, earlier *comparison) *comparison {
	if earlier == nil {
		earlier = &comparison{}
	} else if !c.running.CompareAndSwap(false, true) {
		return earlier
	} else {
		defer c.running.Store(false)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	asked := time.Now()
	stores, err := c.source.Now(ctx)
	answered := time.Now()
	if err != nil {
		again := &comparison{earlier.ahead, answered.Add(clockRetry - clockEvery)}
		c.latest.Store(again)
		return again
	}
	ahead := stores.Sub(asked.Add(answered.Sub(asked) / 2).Round(0))
	if ahead.Abs() <= clockAllowance+answered.Sub(asked)/2 {
		ahead = 0
	}
	if changed := ahead - earlier.ahead; ahead.Abs() >= clockWarning && changed.Abs() >= clockWarning {
		c.logger.WarnContext(ctx, "session: this process's clock differs from the store's, which counts", "store_ahead", ahead)
	}
	made := &comparison{ahead, answered}
	c.latest.Store(made)
	return made
}
