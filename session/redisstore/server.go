package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrServer is returned while the server is not fit to keep sessions: it evicts
// keys, it is a replica, or the client's user may not ask whether it is.
var ErrServer = errors.New("server not fit to keep sessions")

const (
	// checkEvery is how often the server is asked whether it is fit.
	checkEvery = time.Minute
	// checkTimeout is how long a step waits for the answer.
	checkTimeout = time.Second
)

// A serverCheck asks each server now and then whether it is fit to keep sessions.
type serverCheck struct {
	every   time.Duration
	latest  atomic.Pointer[checked]
	running atomic.Bool
}

type checked struct {
	made   time.Time
	failed error // nil: it was fit, or did not answer
}

// check returns an error if the server is not fit. The first call asks it, and then
// one call in each interval; a server that was not fit is asked each time. One that
// does not answer counts as it did before: the step itself will find out.
func (c *serverCheck) check(ctx context.Context, client redis.UniversalClient) error {
	latest := c.latest.Load()
	if latest != nil && latest.failed == nil {
		if time.Since(latest.made) < c.every || !c.running.CompareAndSwap(false, true) {
			return nil
		}
		defer c.running.Store(false)
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	err := eachMaster(ctx, client, fit)
	if err != nil && !errors.Is(err, ErrServer) {
		if latest == nil {
			return nil // it is asked again with the next step
		}
		err = latest.failed
	}
	c.latest.Store(&checked{time.Now(), err})
	return err
}

// eachMaster calls do with what each server that has keys says of itself, at the same
// time.
func eachMaster(ctx context.Context, client redis.UniversalClient, do func(*redis.StringCmd) error) error {
	if cluster, ok := client.(*redis.ClusterClient); ok {
		return cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
			return do(node.Info(ctx))
		})
	}
	return do(client.Info(ctx))
}

// fit returns an error if what a server says of itself shows that it is not fit.
func fit(info *redis.StringCmd) error {
	text, err := info.Result()
	if redis.HasErrorPrefix(err, "NOPERM") {
		return fmt.Errorf("%w: its maxmemory-policy cannot be read: want the right to INFO: %w", ErrServer, err)
	}
	if err != nil {
		return err
	}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch {
		case name == "maxmemory_policy" && value != "noeviction":
			return fmt.Errorf("%w: maxmemory-policy %s: want noeviction, because a user's sessions whose index was evicted are missed when they are ended", ErrServer, value)
		case name == "role" && value != "master":
			return fmt.Errorf("%w: role %s: want the master, because replicas show sessions as live that have ended", ErrServer, value)
		}
	}
	return nil
}
