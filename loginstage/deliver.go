package loginstage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mooring-go/mooring/session"
)

const (
	// deliverEvery is how often an empty journal is looked at again.
	deliverEvery = time.Second
	// deliverBackoff is how long a failing store, or the endings of a user whom the
	// sink refuses, are left alone at most.
	deliverBackoff = 30 * time.Second
	// deliverDown is the number of users in a row whose endings the sink refuses, and
	// takes none between, at which it counts as down. deliverDownPause is how long it
	// is then left alone.
	deliverDown      = 4
	deliverDownPause = 5 * time.Second
	// deliverBatch is how many endings are leased at a time, and deliverLease for how
	// long. After a process was killed, its users' endings wait for that long.
	deliverBatch = 32
	deliverLease = 20 * time.Second
	// deliverMargin is the time that is left of a lease, when a sink has used all of
	// its own, to tell the store of it.
	deliverMargin = 2 * time.Second
	// maxRefused is how many users' backoffs are remembered.
	maxRefused = 4096
)

// Deliver gives the endings that the store has kept to the sink, until ctx ends, and
// returns ctx's error. It needs [Config.DurableEvents].
//
// Each ending is delivered at least once and, for each user, in order. An ending that
// is delivered again has the same [Event.ID]. Any number of processes can run Deliver
// on one store, and share the work. Where one is killed, the others take over after
// twenty seconds.
//
// An ending that the sink refuses, by an error or a panic, or is slow with, holds back
// that user's endings alone. Deliver tries it again after a second, and later after up
// to thirty. Endings wait in the store for [Config.KeepEndings] at most: see
// [UserLogin.Sweep].
func (l *UserLogin) Deliver(ctx context.Context) error {
	now := l.latest.Load()
	journal, ok := session.StoreAs[session.Journal](now.config.Store)
	if !ok || !now.config.DurableEvents {
		return &ConfigError{Field: "DurableEvents", Value: now.config.DurableEvents, Want: "true to deliver"}
	}
	d := &delivery{
		login: now, journal: journal,
		refused: make(map[string]int), slow: make(map[string]bool), late: make(chan outcome, emitLanes),
	}
	defer d.finish(ctx)
	pause := time.Duration(0)
	for {
		if err := d.sleep(ctx, pause); err != nil {
			return err
		}
		d.login = l.latest.Load()
		more, err := d.some(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			d.log("the store failed", err)
			pause = min(max(2*pause, deliverEvery), deliverBackoff)
		case d.inARow >= deliverDown:
			pause = min(max(2*pause, deliverEvery), deliverDownPause)
		case more:
			pause = 0
		default:
			pause = deliverEvery
		}
	}
}

// delivery is what one Deliver knows of the endings that it could not deliver.
type delivery struct {
	login    *UserLogin // the snapshot of what is being done
	journal  session.Journal
	failures throttle

	refused map[string]int  // by user: how often in a row the sink refused their first ending
	inARow  int             // how many users the sink refused since it took something
	slow    map[string]bool // users with an ending that the sink is slow with
	late    chan outcome    // of those endings
}

// outcome is what the sink did with one ending.
type outcome struct {
	ended session.Ended
	err   error
}

// settlement is what the store has yet to be told of leased endings.
type settlement struct {
	delivered []session.ID
	held      map[time.Duration][]session.ID // by how long they are not to be tried
}

func (s *settlement) hold(id session.ID, pause time.Duration) {
	if s.held == nil {
		s.held = make(map[time.Duration][]session.ID)
	}
	s.held[pause] = append(s.held[pause], id)
}

// some delivers what it can lease, and reports whether there may be more right now.
func (d *delivery) some(ctx context.Context) (more bool, err error) {
	var done settlement
	until := time.Now().Add(deliverLease - emitTimeout - deliverMargin)
	leased, err := d.lease(ctx)
	pauses := make(map[string]time.Duration) // of the users who are held back
	for _, ended := range leased {
		id, user := ended.Session.ID, ended.Session.User
		pause, held := pauses[user]
		switch {
		case held:
		case d.slow[user]:
			pause, held = emitTimeout, true
		case ctx.Err() != nil || time.Now().After(until) || len(d.slow) >= emitLanes:
			held = true
		}
		if held {
			pauses[user] = pause
			done.hold(id, pause)
			continue
		}
		if came, ok := d.give(ctx, ended); !ok {
			pauses[user] = 0 // the first is still leased, which holds back the others
		} else if pause = d.settle(ctx, came, &done); came.err != nil {
			pauses[user] = pause
		}
	}
	if len(leased) == 0 {
		d.inARow = 0
	}
	return len(leased) == deliverBatch && len(d.slow) < emitLanes, errors.Join(err, d.record(ctx, done))
}

func (d *delivery) lease(ctx context.Context) ([]session.Ended, error) {
	bounded, cancel := context.WithTimeout(ctx, d.login.config.StoreTimeout.Std())
	defer cancel()
	leased, err := d.journal.Lease(bounded, deliverLease, deliverBatch)
	if err != nil {
		return leased, fmt.Errorf("loginstage: leasing endings: %w", err)
	}
	return leased, nil
}

// give gives one ending to the sink, and returns what the sink did. It is false if the
// sink is slow: the outcome comes later, and other users go on.
func (d *delivery) give(ctx context.Context, ended session.Ended) (outcome, bool) {
	login := d.login
	event, ok := login.endedEvent(ended, contextIn(ended.Ending.Detail))
	if !ok || login.config.Events == nil {
		return outcome{ended: ended}, true
	}
	came := make(chan outcome, 1)
	go func() {
		err := give(ctx, login.config.Events, event)
		if err != nil {
			err = fmt.Errorf("loginstage: delivering event %s: %w", event.ID, err)
		}
		came <- outcome{ended, err}
	}()
	patience := time.NewTimer(emitSlow)
	defer patience.Stop()
	for {
		select {
		case o := <-came:
			return o, true
		case o := <-d.late:
			d.settleLate(ctx, o)
		case <-patience.C:
			d.slow[ended.Session.User] = true
			go func() { d.late <- <-came }()
			return outcome{}, false
		}
	}
}

// settle adds to done what the store is to be told of an ending, and returns for how
// long its user is held back if the sink did not take it.
func (d *delivery) settle(ctx context.Context, o outcome, done *settlement) time.Duration {
	id, user := o.ended.Session.ID, o.ended.Session.User
	switch {
	case o.err == nil:
		delete(d.refused, user)
		d.inARow = 0
		done.delivered = append(done.delivered, id)
		return 0
	case ctx.Err() != nil: // which is why the sink did not take it
		done.hold(id, 0)
		return 0
	}
	if len(d.refused) >= maxRefused {
		clear(d.refused)
	}
	pause := min(deliverEvery<<min(d.refused[user], 5), deliverBackoff)
	d.refused[user]++
	d.inARow++
	done.hold(id, pause)
	d.log("the sink refused one", o.err)
	return pause
}

// settleLate tells the store, before the lease is over, what the sink did with an
// ending that it was slow with.
func (d *delivery) settleLate(ctx context.Context, o outcome) {
	delete(d.slow, o.ended.Session.User)
	var done settlement
	d.settle(ctx, o, &done)
	if err := d.record(ctx, done); err != nil {
		d.log("the store failed", err)
	}
}

// sleep returns after the pause, or with ctx's error when that ends.
func (d *delivery) sleep(ctx context.Context, pause time.Duration) error {
	wake := time.NewTimer(pause)
	defer wake.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case o := <-d.late:
			d.settleLate(ctx, o)
		case <-wake.C:
			return nil
		}
	}
}

// record tells the store what the sink did with leased endings, even if ctx has ended:
// what is delivered should not be delivered again.
func (d *delivery) record(ctx context.Context, done settlement) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.login.config.StoreTimeout.Std())
	defer cancel()
	var failed []error
	if len(done.delivered) > 0 {
		failed = append(failed, d.journal.Delivered(ctx, done.delivered...))
	}
	for pause, ids := range done.held {
		failed = append(failed, d.journal.Release(ctx, pause, ids...))
	}
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("loginstage: recording what was delivered: %w", err)
	}
	return nil
}

// finish waits, for a bounded time, until the sink is done with the endings that it is
// slow with. Their contexts have ended.
func (d *delivery) finish(ctx context.Context) {
	patience := time.NewTimer(emitSlow)
	defer patience.Stop()
	for len(d.slow) > 0 {
		select {
		case o := <-d.late:
			d.settleLate(ctx, o)
		case <-patience.C:
			return
		}
	}
}

// log logs why endings wait, a line every ten seconds at most.
func (d *delivery) log(why string, err error) {
	logger := d.login.config.Logger // the throttle logs later, on another goroutine
	d.failures.add(1, func(n int) {
		logger.Error("loginstage: endings are waiting to be delivered", "why", why, "failures", n, "error", err)
	})
}
