package memstore

import (
	"math"
	"time"
)

// An instant is a time in a third of the space: nanoseconds since 1970, UTC. Sessions have
// no times that it cannot say. The zero time is the earliest instant of all, one of 1677:
// a session of that very nanosecond has none.
type instant int64

const noInstant instant = math.MinInt64

func instantOf(t time.Time) instant {
	if t.IsZero() {
		return noInstant
	}
	return instant(t.UnixNano())
}

func (i instant) time() time.Time {
	if i == noInstant {
		return time.Time{}
	}
	return time.Unix(0, int64(i)).UTC()
}
