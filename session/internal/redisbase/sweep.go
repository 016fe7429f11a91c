package redisbase

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/mooring-go/mooring/session"
)

// perSweep is how many sessions and endings one script of Sweep looks at.
const perSweep = 200

// Sweep forgets what is overdue at now, and ends into the journal what is overdue and
// has a TellExpiry. It does not count as forgotten what the server forgot by itself,
// and counts that as undelivered where it was. If it fails, it returns what it did by
// then.
//
// Each shard has a list of what is due, and the cost grows with that. Keys without a
// TellExpiry expire by themselves; for those, Sweep only frees memory earlier, by
// [Config.Grace].
func (s *Store) Sweep(ctx context.Context, now time.Time) (session.Swept, error) {
	var swept session.Swept
	for group := range shardsFrom(0) {
		due, err := s.due(ctx, group, now)
		for i := 0; i < len(due) && err == nil; i++ {
			err = s.sweepShard(ctx, due[i].name, now, &swept)
		}
		if err != nil {
			return swept, s.failed("sweeping", err)
		}
	}
	return swept, nil
}

// zcount is the command that counts what has a score up to a number.
func zcount(key, until string) Command {
	return Command{Words: []string{"zcount", key, "-inf", until}, Key: 1}
}

func exists(key string) Command { return Command{Words: []string{"exists", key}, Key: 1} }

// present returns those of the shards of which one of the counts is above 0; each shard has
// as many of them as the others. It returns the first error, too.
func present(group []shard, counts []Reply) (found []shard, failure error) {
	each := len(counts) / len(group)
	for i, shard := range group {
		total := int64(0)
		for _, count := range counts[i*each : (i+1)*each] {
			n, err := count.number()
			if failure == nil {
				failure = err
			}
			total += n
		}
		if total > 0 {
			found = append(found, shard)
		}
	}
	return found, failure
}

// due returns those of the shards in which something is due at now, or was dropped
// undelivered, in one round trip.
func (s *Store) due(ctx context.Context, group []shard, now time.Time) ([]shard, error) {
	until := strconv.FormatInt(milliseconds(now), 10)
	var commands []Command
	for _, shard := range group {
		commands = append(commands, zcount(s.dueKey(shard.name), until), exists(s.lostKey(shard.name)))
	}
	return present(group, s.client.DoAll(ctx, commands))
}

func (s *Store) sweepShard(ctx context.Context, shard string, now time.Time, swept *session.Swept) error {
	for {
		status, reply, err := s.run(ctx, sweepScript, shard, []string{s.dueKey(shard)}, instant(now), milliseconds(now), perSweep)
		if err != nil {
			return err
		}
		if len(reply) < 3 {
			return errors.New("reply of a script cut short")
		}
		at, atErr := timeOf(reply[0])
		forgotten, forgottenErr := strconv.Atoi(reply[1])
		undelivered, undeliveredErr := strconv.Atoi(reply[2])
		if err := errors.Join(atErr, forgottenErr, undeliveredErr); err != nil {
			return fmt.Errorf("reply of a script: %w", err)
		}
		swept.Forgotten += forgotten
		swept.Undelivered += undelivered
		expired, err := s.expire(ctx, shard, reply[3:], at)
		swept.Expired += expired
		if err != nil || status != "more" {
			return err
		}
	}
}

// expire ends sessions that have reached a limit at the time, and returns how many.
// Sessions that are used meanwhile stay.
func (s *Store) expire(ctx context.Context, shard string, reply []string, at time.Time) (int, error) {
	ids, values, err := pairs(reply)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	var args []any
	for i, id := range ids {
		v, err := split(values[i])
		if err != nil {
			return 0, err
		}
		ending, err := v.expiry(id, at)
		if err != nil {
			return 0, err
		}
		text, err := encodeEnding(ending)
		if err != nil {
			return 0, err
		}
		args = append(args, id.String(), v.limit, text, instant(ending.Keep), milliseconds(ending.Keep), s.lasts(at, ending.Keep))
	}
	_, reply, err = s.run(ctx, expireScript, shard, []string{s.dueKey(shard)}, args...)
	return len(reply) / 2, err
}

// expiry returns the ending of a session that has reached a limit, as seen at the time.
// A session whose record is not understood has expired.
func (v value) expiry(id session.ID, at time.Time) (session.Ending, error) {
	limit, err := timeOf(v.limit)
	if err != nil {
		return session.Ending{}, err
	}
	ending := session.Ending{Cause: session.CauseExpired, Time: limit, Keep: at.Add(session.DefaultKeepEndings), Journal: true}
	if s, err := session.DecodeRecord([]byte(v.record)); err == nil && s.ID == id {
		ending.Cause, ending.Keep = s.Overdue(limit), at.Add(s.TellExpiry)
	}
	return ending, nil
}
