package memstore

import (
	"context"
	"time"

	"github.com/mooring-go/mooring/session"
)

// Sweep forgets what is overdue at now. No Get waits for it. Other steps wait for no
// longer than one entry takes, half a microsecond, and spin meanwhile, because a thread
// that sleeps may be back milliseconds later. Sweep stops with the context's error when
// that is done, and counts what it forgot until then.
func (s *Store) Sweep(ctx context.Context, now time.Time) (session.Swept, error) {
	if clock := time.Now(); now.After(clock) {
		now = clock
	}
	var swept session.Swept
	for again := true; again; {
		again = false
		for i := range s.shards { // one entry of each in turn
			if err := ctx.Err(); err != nil {
				return swept, err
			}
			n := s.shards[i].sweep(now)
			swept.Forgotten += n
			again = again || n > 0
		}
	}
	return swept, nil
}

func (sh *shard) sweep(now time.Time) int {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.forgetOverdue(now, 1)
}

// forgetOverdue forgets up to most entries that have reached their limit at now,
// and returns how many.
func (sh *shard) forgetOverdue(now time.Time, most int) int {
	for n := range most {
		switch {
		case sh.keeps.due(now):
			sh.forget(sh.keeps[0].entry)
		case sh.limits.due(now):
			sh.forget(sh.limits[0].entry)
		default:
			return n
		}
	}
	return most
}
