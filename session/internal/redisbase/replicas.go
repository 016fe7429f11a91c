package redisbase

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/mooring-go/mooring/session"
)

// ErrReplicas is returned for a step that the master has made, where fewer replicas than
// Config.Replicas have acknowledged it within Config.ReplicaTimeout: a failover can undo it.
var ErrReplicas = errors.New("too few replicas have acknowledged it")

// marking writes a key that lasts for a second. It is not refused when memory is full, since
// its first command is not. WAIT waits for what its connection has written, and a step that
// had been made before, by this call or another one, writes nothing.
const marking = "redis.call('DEL', KEYS[1]) redis.call('SET', KEYS[1], '', 'PX', 1000) return {'ok'}"

// runAcknowledged runs the script as run does. It then waits until as many replicas as
// [Config] names have what the master has. Unless they do, short is an error that is [ErrReplicas]. The script and the
// wait go to one connection in one round trip, so that the wait is for a master that has
// made the step.
func (s *Store) runAcknowledged(ctx context.Context, script script, shard string, keys []string, args ...any) (status string, reply []string, short, err error) {
	if s.config.Replicas == 0 {
		status, reply, err = s.run(ctx, script, shard, keys, args...)
		return status, reply, nil, err
	}
	form, keys, texts := script.of(s.cluster), s.keys(shard, keys...), s.args(shard, args)
	commands := []Command{
		form.bySum(keys, texts),
		evaluation("eval", marking, s.keys(shard), nil),
		{Words: []string{"wait", strconv.Itoa(s.config.Replicas), strconv.FormatInt(s.config.ReplicaTimeout.Milliseconds(), 10)}},
	}
	said := s.client.Together(ctx, commands)
	if isRefusal(said[0].Err, "NOSCRIPT") {
		commands[0] = form.whole(keys, texts)
		said = s.client.Together(ctx, commands)
	}
	status, reply, err = understood(said[0])
	acknowledged, waitErr := said[2].number()
	switch {
	case said[1].Err != nil:
		short = fmt.Errorf("%w: %w", ErrReplicas, said[1].Err)
	case waitErr != nil:
		short = fmt.Errorf("%w: %w", ErrReplicas, waitErr)
	case acknowledged < int64(s.config.Replicas):
		short = fmt.Errorf("%w: %d of %d within %s", ErrReplicas, acknowledged, s.config.Replicas, s.config.ReplicaTimeout)
	}
	if _, ended := errors.AsType[*session.EndedError](err); ended && short != nil {
		err = short // it has ended, and a failover could undo that
	}
	return status, reply, short, err
}

// An acknowledgement is what a call of one or more scripts knows of the replicas.
type acknowledgement struct {
	needed bool
	short  error // see runAcknowledged
}

// run runs a script for the call. Once one was short, those after it do not wait.
func (a *acknowledgement) run(ctx context.Context, s *Store, script script, shard string, keys []string, args ...any) (status string, reply []string, err error) {
	if !a.needed || a.short != nil {
		return s.run(ctx, script, shard, keys, args...)
	}
	status, reply, a.short, err = s.runAcknowledged(ctx, script, shard, keys, args...)
	return status, reply, err
}
