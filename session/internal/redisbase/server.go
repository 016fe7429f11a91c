package redisbase

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
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
// does not answer counts as it did before, and at first as fit for a second: the step
// itself will find out.
func (c *serverCheck) check(ctx context.Context, client Client) error {
	latest := c.latest.Load()
	if latest != nil && latest.failed == nil {
		if time.Since(latest.made) < c.every || !c.running.CompareAndSwap(false, true) {
			return nil
		}
		defer c.running.Store(false)
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	unfit, silent := ask(ctx, client)
	made := time.Now()
	if unfit == nil && silent != nil {
		if latest == nil {
			made = made.Add(time.Second - c.every)
		} else {
			unfit = latest.failed
		}
	}
	c.latest.Store(&checked{made, unfit})
	return unfit
}

// ask asks each server that has keys. It returns why one of them is not fit, and why one
// of them did not answer.
func ask(ctx context.Context, client Client) (unfit, silent error) {
	for _, reply := range client.Info(ctx) {
		text, err := reply.text()
		switch {
		case isRefusal(err, "NOPERM"):
			unfit = fmt.Errorf("%w: its maxmemory-policy cannot be read: want the right to INFO: %w", ErrServer, err)
		case err != nil:
			silent = err
		default:
			unfit = errors.Join(unfit, fit(text))
		}
	}
	return unfit, silent
}

// fit returns an error if the server's INFO shows that it is not fit.
func fit(info string) error {
	for line := range strings.Lines(info) {
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

// CheckEvery sets how often the store asks its servers whether they are fit. It is for
// tests, before the first step.
func CheckEvery(s *Store, every time.Duration) { s.server.every = every }
