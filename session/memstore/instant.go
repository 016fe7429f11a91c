package memstore

import "time"

// An instant is a time in a third of the space: nanoseconds since 1970, UTC. Sessions have
// no times that it cannot say. The zero instant is the zero time: a session of the first
// nanosecond of 1970 has none.
type instant int64

func instantOf(t time.Time) instant {
	if t.IsZero() {
		return 0
	}
	return instant(t.UnixNano())
}

func (i instant) time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(i)).UTC()
}
