package memstore

import (
	"context"
	"time"
)

// sweepBatch is how many entries Sweep forgets while it holds a lock: some tens
// of microseconds.
const sweepBatch = 16

// Sweep forgets what is overdue at now. It holds no lock for long, so the other
// methods go on meanwhile, and it stops with the context's error when that is
// done. What it forgot until then it counts.
func (s *Store) Sweep(ctx context.Context, now time.Time) (int, error) {
	forgotten := 0
	for again := true; again; {
		again = false
		// One batch from each shard in turn leaves those who wait for a lock the
		// time to get it.
		for i := range s.shards {
			if err := ctx.Err(); err != nil {
				return forgotten, err
			}
			n := s.shards[i].sweep(now)
			forgotten += n
			again = again || n == sweepBatch
		}
	}
	return forgotten, nil
}

func (sh *shard) sweep(now time.Time) int {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.forgetOverdue(now, sweepBatch)
}

// forgetOverdue forgets up to most entries that have reached their limit at now,
// and returns how many.
func (sh *shard) forgetOverdue(now time.Time, most int) int {
	for n := range most {
		if len(sh.limits) == 0 || now.Before(sh.limits[0].limit) {
			return n
		}
		sh.forget(sh.limits[0])
	}
	return most
}
