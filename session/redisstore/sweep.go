package redisstore

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/mooring-go/mooring/session"
)

// perScan is how many keys Sweep has a server look at in one step.
const perScan = 1000

// Sweep forgets what is overdue at now, and returns how many that were. What the
// server forgot by itself it does not count.
//
// There is no need to call it, since all keys expire by themselves; it frees
// their memory by [Config.Grace] earlier. It looks at all keys of the server, on
// all masters of a Cluster, in small steps. If it fails, it returns how many it
// forgot by then.
func (s *Store) Sweep(ctx context.Context, now time.Time) (int, error) {
	var forgotten atomic.Int64
	err := s.eachMaster(ctx, func(ctx context.Context, node redis.Cmdable) error {
		return s.sweepNode(ctx, node, now, &forgotten)
	})
	return int(forgotten.Load()), failed("sweeping", err)
}

// eachMaster calls do for each server that has keys, at the same time.
func (s *Store) eachMaster(ctx context.Context, do func(context.Context, redis.Cmdable) error) error {
	if cluster, ok := s.client.(*redis.ClusterClient); ok {
		return cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error { return do(ctx, node) })
	}
	return do(ctx, s.client)
}

func (s *Store) sweepNode(ctx context.Context, node redis.Cmdable, now time.Time, forgotten *atomic.Int64) error {
	pattern := s.base("??") + "s:*"
	for cursor := uint64(0); ; {
		keys, next, err := node.Scan(ctx, cursor, pattern, perScan).Result()
		if err != nil {
			return err
		}
		if err := s.sweepKeys(ctx, node, keys, now, forgotten); err != nil {
			return err
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// sweepKeys forgets those of the sessions that are overdue at now.
func (s *Store) sweepKeys(ctx context.Context, node redis.Cmdable, keys []string, now time.Time, forgotten *atomic.Int64) error {
	if len(keys) == 0 {
		return nil
	}
	limits := make([]*redis.StringCmd, len(keys))
	_, err := node.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, key := range keys {
			limits[i] = pipe.GetRange(ctx, key, limitAt, lengthAt-1)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, key := range keys {
		if limit := limits[i].Val(); limit == "" || limit > instant(now) {
			continue
		}
		id, err := session.ParseID(key[strings.LastIndexByte(key, ':')+1:])
		if err != nil {
			continue // not a key of ours
		}
		_, _, err = s.run(ctx, forgetScript, id.Shard(),
			[]string{key, s.journalKey(id.Shard()), s.leasesKey(id.Shard())}, id.String(), instant(now))
		switch {
		case errors.Is(err, session.ErrNotFound): // it was used meanwhile, or is gone
		case err != nil:
			return err
		default:
			forgotten.Add(1)
		}
	}
	return nil
}
