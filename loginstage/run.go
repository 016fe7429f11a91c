package loginstage

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// sweepEvery is how often Run sweeps, give or take a half, so that processes that
	// were started together do not sweep together.
	sweepEvery = 5 * time.Minute
	// sweepLongest is how long it waits at the most while sweeps fail.
	sweepLongest = time.Hour
	// retryFirst and retryLongest are how long Run waits before it begins again what has
	// returned though it should go on.
	retryFirst   = time.Second
	retryLongest = time.Minute
	// flushTime is how long Run waits for the sink at the end.
	flushTime = 10 * time.Second
)

// A Watcher is a [binding.Locator] that looks by itself whether its data has been
// replaced, until ctx ends, such as a *maxmind.DB. Run has it do so.
type Watcher interface {
	Watch(ctx context.Context) error
}

// Run does what a host has to do besides answering requests, until ctx ends: it sweeps
// every five minutes, give or take a half, so that processes do not all do so at once;
// it delivers endings, where [Config.DurableEvents] is on; and it watches the Locator's
// data, if that is a [Watcher]. What fails is logged and tried again, later each time.
// When ctx has ended it waits up to ten seconds until the sink has every event, and
// returns what that returns: nil, or an error if events may be lost.
//
// A host calls it once per process, on a goroutine of its own, and waits for it before
// it exits:
//
//	running.Go(func() { err = login.Run(ctx) })
//
// It does not close the store or the locator, and does not call [UserLogin.Watch],
// which a host with live contexts runs beside it. A host that needs to sweep, deliver or
// watch in other ways calls [UserLogin.Sweep], [UserLogin.Deliver] and
// [UserLogin.Flush] itself, and not Run.
func (l *UserLogin) Run(ctx context.Context) error {
	var running sync.WaitGroup
	running.Go(func() { l.sweepAgain(ctx) })
	config := &l.latest.Load().config // of which no setting is looked at that can change
	if config.DurableEvents {
		running.Go(func() { l.goOn(ctx, "delivering endings", l.Deliver) })
	}
	if watcher, ok := config.Locator.(Watcher); ok {
		running.Go(func() { l.goOn(ctx, "watching the locator's data", watcher.Watch) })
	}
	running.Wait()
	flushing, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
	defer cancel()
	if err := l.Flush(flushing); err != nil {
		return fmt.Errorf("loginstage: events were on their way when the host ended: %w", err)
	}
	return nil
}

// sweepAgain sweeps now and then, until ctx ends.
func (l *UserLogin) sweepAgain(ctx context.Context) {
	every := sweepEvery
	for pause(ctx, every/2+rand.N(every)) { //nolint:gosec // it spreads the sweeps, and need not be secret
		_, err := l.Sweep(ctx)
		switch {
		case err == nil:
			every = sweepEvery
		case ctx.Err() == nil:
			every = min(2*every, sweepLongest)
			l.latest.Load().config.Logger.ErrorContext(ctx, "loginstage: sweeping failed", "again_in_about", every, "error", err)
		}
	}
}

// goOn does what goes on until ctx ends, again if it returns before.
func (l *UserLogin) goOn(ctx context.Context, what string, do func(context.Context) error) {
	for wait := retryFirst; ; wait = min(2*wait, retryLongest) {
		began := time.Now()
		err := attempted(ctx, do)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > retryLongest {
			wait = retryFirst
		}
		l.latest.Load().config.Logger.ErrorContext(ctx, "loginstage: "+what+" failed", "again_in", wait, "error", err)
		if !pause(ctx, wait) {
			return
		}
	}
}

// attempted does do, and has an error for a panic: what one part of the host does wrong
// does not end the others.
func attempted(ctx context.Context, do func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it panicked: %v", p)
		}
	}()
	if err := do(ctx); err != nil {
		return err
	}
	return errors.New("it returned before it should")
}

// pause waits, and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
