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
	// clockRetry is after what time it is compared again if the store did not answer.
	clockRetry = time.Second
	// clockTimeout is how long a comparison waits for the store.
	clockTimeout = time.Second
	// clockAllowance is the difference up to which the two clocks count as equal,
	// because comparing them over a network cannot tell it from none.
	clockAllowance = 100 * time.Millisecond
	// clockWarning is the difference from which on it is logged.
	clockWarning = time.Second
)

// A storeClock tells the time by a store's clock, without asking it each time.
// Without a source it tells the process's.
type storeClock struct {
	source Clock // nil: the process's clock
	logger *slog.Logger
	latest atomic.Pointer[comparison]
	turn   chan struct{} // holds one value while a caller compares
}

func newStoreClock(store Store, logger *slog.Logger) *storeClock {
	source, _ := StoreAs[Clock](store)
	return &storeClock{source: source, logger: logger, turn: make(chan struct{}, 1)}
}

// A comparison is how far the store's clock was ahead of the process's.
type comparison struct {
	ahead time.Duration
	due   time.Duration // how long it holds
	made  time.Time     // with the reading of the monotonic clock
}

// now returns the store's time. Every half minute one caller asks the store for it and
// waits for the answer, for a second or the timeout at most; other callers go by the
// last comparison. If the store does not answer, its last answer counts, and before its
// first one the process's clock.
func (c *storeClock) now(ctx context.Context, timeout time.Duration) time.Time {
	local := time.Now()
	if c.source == nil {
		return local.Round(0).UTC()
	}
	latest := c.latest.Load()
	if latest == nil || latest.over(local) {
		latest = c.compare(ctx, timeout, latest)
		local = time.Now()
	}
	return local.Add(latest.ahead).Round(0).UTC()
}

// over reports whether the clocks are to be compared again at local: it is time, or
// the process's clock was set, or the machine slept.
func (m *comparison) over(local time.Time) bool {
	elapsed := local.Sub(m.made) // by the monotonic clock
	wall := local.Round(0).Sub(m.made.Round(0))
	return elapsed >= m.due || (wall-elapsed).Abs() > clockAllowance
}

// compare asks the store for its time, unless another caller is doing so: then it
// returns the comparison before or, if there is none, waits for the other caller's.
func (c *storeClock) compare(ctx context.Context, timeout time.Duration, before *comparison) *comparison {
	if before == nil {
		c.turn <- struct{}{}
		defer func() { <-c.turn }()
		if first := c.latest.Load(); first != nil {
			return first
		}
		before = &comparison{}
	} else {
		select {
		case c.turn <- struct{}{}:
			defer func() { <-c.turn }()
		default:
			return before
		}
	}
	made := c.ask(ctx, min(timeout, clockTimeout), before)
	c.latest.Store(made)
	return made
}

// ask returns a comparison with the store's answer. If the store does not answer, it
// returns the comparison before, for a little longer. A client that hangs up does not
// end it.
func (c *storeClock) ask(ctx context.Context, timeout time.Duration, before *comparison) *comparison {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	asked := time.Now()
	stores, err := c.source.Now(ctx)
	answered := time.Now()
	took := answered.Sub(asked)
	if err != nil || took > timeout {
		return &comparison{before.ahead, clockRetry, answered}
	}
	// The store read its clock at some instant meanwhile; the middle is the best guess.
	ahead := stores.Sub(asked.Add(took / 2).Round(0))
	if ahead.Abs() <= clockAllowance+took/2 {
		ahead = 0
	}
	if ahead.Abs() >= clockWarning && (ahead-before.ahead).Abs() >= clockWarning {
		c.logger.WarnContext(ctx, "session: this process's clock differs from the store's, which counts", "store_ahead", ahead)
	}
	return &comparison{ahead, clockEvery, answered}
}
