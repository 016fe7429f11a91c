package redisstore

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/mooring-go/mooring/session"
)

// perLook is how many shards Lease looks at in one round trip.
const perLook = 512

// Lease returns undelivered endings. It looks at the shards in turn, at no more
// than once at each, until it has as many as it may; each one that has endings
// costs a script. Endings that cannot be read are passed over and forgotten with
// their Keep.
//
// If Lease fails, the endings that it had found by then come with the error.
func (s *Store) Lease(ctx context.Context, now, until time.Time, limit int) ([]session.Ended, error) {
	var leased []session.Ended
	look := func(group []string) error {
		waiting, err := s.waiting(ctx, group)
		for _, shard := range waiting {
			if err != nil || len(leased) >= limit {
				break
			}
			var more []session.Ended
			more, err = s.leaseShard(ctx, shard, now, until, limit-len(leased))
			leased = append(leased, more...)
		}
		return failed("leasing endings", err)
	}
	var group []string
	first := s.lease.Add(perLook) - perLook
	for shard := range shardsFrom(first) {
		if group = append(group, shard); len(group) < perLook {
			continue
		}
		if err := look(group); err != nil || len(leased) >= limit {
			return leased, err
		}
		group = group[:0]
	}
	return leased, nil
}

// waiting are those of the shards that have endings to deliver.
func (s *Store) waiting(ctx context.Context, group []string) ([]string, error) {
	exists := make([]*redis.IntCmd, len(group))
	_, err := s.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, shard := range group {
			exists[i] = pipe.Exists(ctx, s.journalKey(shard))
		}
		return nil
	})
	var waiting []string
	for i, shard := range group {
		if err == nil && exists[i].Val() > 0 {
			waiting = append(waiting, shard)
		}
	}
	return waiting, err
}

// leaseShard leases up to limit endings of one shard.
func (s *Store) leaseShard(ctx context.Context, shard string, now, until time.Time, limit int) ([]session.Ended, error) {
	_, values, err := s.run(ctx, leaseScript, shard,
		[]string{s.callKey(shard), s.journalKey(shard), s.leasesKey(shard)},
		instant(now), instant(until), limit)
	if err != nil {
		return nil, err
	}
	all, err := decodeAll(values)
	if errors.Is(err, session.ErrRecord) {
		err = nil // passed over, as Lease says
	}
	return all, err
}

// Delivered forgets endings that were delivered. All go in one round trip.
func (s *Store) Delivered(ctx context.Context, ids ...session.ID) error {
	return failed("forgetting delivered endings", s.each(ctx, ids, func(pipe redis.Pipeliner, shard, id string) {
		pipe.ZRem(ctx, s.journalKey(shard), id)
		pipe.HDel(ctx, s.leasesKey(shard), id)
	}))
}

// Release gives back leased endings. All go in one round trip.
func (s *Store) Release(ctx context.Context, ids ...session.ID) error {
	return failed("releasing endings", s.each(ctx, ids, func(pipe redis.Pipeliner, shard, id string) {
		pipe.HDel(ctx, s.leasesKey(shard), id)
	}))
}

func (s *Store) each(ctx context.Context, ids []session.ID, do func(pipe redis.Pipeliner, shard, id string)) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := s.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, id := range ids {
			if !id.IsZero() {
				do(pipe, id.Shard(), id.String())
			}
		}
		return nil
	})
	return err
}
