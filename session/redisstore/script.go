package redisstore

import (
	"context"
	"crypto/rand"
	_ "embed" // the scripts
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/mooring-go/mooring/session"
)

var (
	//go:embed lua/prelude.lua
	prelude string
	//go:embed lua/ending.lua
	ending string

	//go:embed lua/start.lua
	startText string
	//go:embed lua/end.lua
	endText string
	//go:embed lua/enduser.lua
	endUserText string
	//go:embed lua/list.lua
	listText string
	//go:embed lua/touch.lua
	touchText string
	//go:embed lua/lease.lua
	leaseText string
	//go:embed lua/forget.lua
	forgetText string
)

var (
	startScript   = redis.NewScript(prelude + ending + startText)
	endScript     = redis.NewScript(prelude + ending + endText)
	endUserScript = redis.NewScript(prelude + ending + endUserText)
	listScript    = redis.NewScript(prelude + listText)
	touchScript   = redis.NewScript(prelude + touchText)
	leaseScript   = redis.NewScript(prelude + leaseText)
	forgetScript  = redis.NewScript(prelude + forgetText)
)

// run runs a script on a shard. Its reply is a status and values; "ended" and
// "unreadable" are returned as errors, and so is "none".
func (s *Store) run(ctx context.Context, script *redis.Script, shard string, keys []string, args ...any) (status string, values []string, err error) {
	args = append([]any{s.base(shard), session.RecordVersion}, args...)
	reply, err := script.Run(ctx, s.client, keys, args...).StringSlice()
	if err != nil {
		return "", nil, err
	}
	if len(reply) == 0 {
		return "", nil, fmt.Errorf("empty reply of a script")
	}
	switch status, values = reply[0], reply[1:]; status {
	case "none":
		return "", nil, session.ErrNotFound
	case "exists":
		return "", nil, session.ErrExists
	case "ended":
		return "", nil, endedError(values[0])
	case "unreadable":
		return "", nil, fmt.Errorf("session %s: %w", values[0], session.ErrRecord)
	}
	return status, values, nil
}

// callKey is a new key for a script that must know itself again.
func (s *Store) callKey(shard string) string { return s.base(shard) + "c:" + rand.Text() }

// endingArgs are what all scripts that end sessions take first.
func (s *Store) endingArgs(e session.Ending) []any {
	return []any{instant(e.Keep), s.milliseconds(e.Time, e.Keep), flag(e.Journal)}
}

func flag(set bool) int {
	if set {
		return 1
	}
	return 0
}

// longest is how long any key is kept: far below where Redis's clock ends.
const longest = 100 * 365 * 24 * time.Hour

// milliseconds is how long, from the instant from on, to keep what is over at
// the instant to. Both are of the callers' clock, which need not be the
// server's.
func (s *Store) milliseconds(from, to time.Time) int64 {
	left := min(max(to.Sub(from), 0), longest) + min(s.config.Grace, longest)
	return int64((left + time.Millisecond - 1) / time.Millisecond)
}

// endedError is the error for the session whose value says how it ended.
func endedError(value string) error {
	e, err := decodeEnded(value)
	if err != nil {
		return err
	}
	return &session.EndedError{Ended: e}
}

// decodeAll reads the values of ended sessions. It returns those that it can
// read, and the first error.
func decodeAll(values []string) ([]session.Ended, error) {
	var all []session.Ended
	var failure error
	for _, value := range values {
		e, err := decodeEnded(value)
		if err == nil {
			all = append(all, e)
		} else if failure == nil {
			failure = err
		}
	}
	return all, failure
}
