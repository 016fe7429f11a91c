package redisbase

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/mooring-go/mooring/session"
)

// Lease returns undelivered endings. It looks at the shards in turn, at each no more
// than once, until it has as many as it may; each shard that has endings to lease costs
// a script. The next Lease begins where this one stopped, so that no user keeps those
// of other shards waiting. Within a shard, the users who wait longest come first.
//
// Lease passes over an ending that it does not understand: a process of a later release
// may deliver it. If it fails, the endings that it had found by then come with the
// error.
func (s *Store) Lease(ctx context.Context, term time.Duration, limit int) ([]session.Ended, error) {
	const operation = "leasing endings"
	if limit <= 0 {
		return nil, nil
	}
	err := s.server.check(ctx, s.client)
	if err != nil {
		return nil, s.failed(operation, err)
	}
	now, err := s.Now(ctx)
	if err != nil {
		return nil, s.failed(operation, err)
	}
	var leased []session.Ended
	for group := range shardsFrom(s.lease.Load()) {
		waiting, err := s.waiting(ctx, group, now)
		for i := 0; i < len(waiting) && err == nil && len(leased) < limit; i++ {
			var more []session.Ended
			more, err = s.leaseShard(ctx, waiting[i].name, term, limit-len(leased))
			leased = append(leased, more...)
			s.lease.Store((waiting[i].number + 1) % shards)
		}
		if err != nil || len(leased) >= limit {
			return leased, s.failed(operation, err)
		}
	}
	return leased, nil
}

// clocksApart is by how much the clocks of a Cluster's nodes may differ without one
// user's endings being looked for too late.
const clocksApart = time.Second

// waiting returns those of the shards that have endings to lease at now.
func (s *Store) waiting(ctx context.Context, group []shard, now time.Time) ([]shard, error) {
	until := strconv.FormatInt(now.Add(clocksApart).UnixMilli(), 10)
	var commands []Command
	for _, shard := range group {
		commands = append(commands, zcount(s.waitsKey(shard.name), until))
	}
	return present(group, s.client.DoAll(ctx, commands))
}

// perLease is how many endings of one shard a Lease returns at the most, so that its
// script keeps others waiting for some milliseconds only.
const perLease = 1000

// leaseShard leases up to limit endings of one shard.
func (s *Store) leaseShard(ctx context.Context, shard string, term time.Duration, limit int) ([]session.Ended, error) {
	_, reply, err := s.run(ctx, leaseScript, shard, []string{s.waitsKey(shard)}, max(term, 0).Milliseconds(), min(limit, perLease))
	if err != nil {
		return nil, err
	}
	all, err := decodeAll(reply)
	if errors.Is(err, session.ErrRecord) {
		err = nil // passed over, as Lease says
	}
	return all, err
}

// Delivered forgets endings that were delivered. All go in one round trip.
func (s *Store) Delivered(ctx context.Context, ids ...session.ID) error {
	return s.failed("forgetting delivered endings", s.settle(ctx, deliveredScript, ids))
}

// Release gives back leased endings. All go in one round trip.
func (s *Store) Release(ctx context.Context, pause time.Duration, ids ...session.ID) error {
	return s.failed("releasing endings", s.settle(ctx, releaseScript, ids, max(pause, 0).Milliseconds()))
}

// settle runs a script for the IDs of each shard, in one round trip if the server
// knows it already.
func (s *Store) settle(ctx context.Context, script script, ids []session.ID, args ...any) error {
	var order []string
	byShard := map[string][]any{}
	for _, id := range ids {
		if shard := id.Shard(); shard != "" {
			if byShard[shard] == nil {
				order = append(order, shard)
				byShard[shard] = append([]any(nil), args...)
			}
			byShard[shard] = append(byShard[shard], id.String())
		}
	}
	if len(order) == 0 {
		return nil
	}
	calls := make([]Command, len(order))
	for i, shard := range order {
		calls[i] = script.of(s.cluster).bySum(s.keys(shard, s.waitsKey(shard)), s.args(shard, byShard[shard]))
	}
	var failures []error
	for i, reply := range s.client.DoAll(ctx, calls) {
		err := reply.Err
		if isRefusal(err, "NOSCRIPT") {
			shard := order[i]
			_, _, err = s.run(ctx, script, shard, []string{s.waitsKey(shard)}, byShard[shard]...)
		}
		failures = append(failures, err)
	}
	return errors.Join(failures...)
}
