package nearcache

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/mooring-go/mooring/session"
)

// clockEvery is how often the process's clock is compared with the store's.
const clockEvery = 10 * time.Second

// A clock tells the store's time, by which limits are judged, near enough to see that
// one is far.
type clock struct {
	process func() time.Time // time.Now, but in tests
	source  session.Clock    // nil: the process's clock is the store's
	latest  atomic.Pointer[comparison]
	running atomic.Bool
}

// A comparison is how far the store's clock was ahead of the process's, and when.
type comparison struct {
	ahead time.Duration
	made  time.Time
}

// compare asks the store for its time if that was not done lately, and reports whether
// it is known.
func (c *clock) compare(ctx context.Context, now time.Time) bool {
	if c.source == nil {
		return true
	}
	latest := c.latest.Load()
	if latest != nil && elapsed(latest.made, now) < clockEvery && !wasSet(latest.made, now) {
		return true
	}
	if !c.running.CompareAndSwap(false, true) {
		return false
	}
	defer c.running.Store(false)
	asked := c.process()
	stores, err := c.source.Now(ctx)
	if err != nil {
		c.latest.Store(nil)
		return false
	}
	// It was read at some instant since; the earliest says the most.
	c.latest.Store(&comparison{stores.Sub(asked.Round(0)), asked})
	return true
}

// now returns the store's time at the process's. Where it is not known it is later than any
// limit.
func (c *clock) now(at time.Time) time.Time {
	if c.source == nil {
		return at
	}
	latest := c.latest.Load()
	if latest == nil || wasSet(latest.made, at) {
		return time.Unix(1<<60, 0)
	}
	return at.Round(0).Add(latest.ahead)
}

// wasSet reports whether the wall clock was set between two times.
func wasSet(from, to time.Time) bool {
	return (to.Round(0).Sub(from.Round(0)) - to.Sub(from)).Abs() > margin/4
}
