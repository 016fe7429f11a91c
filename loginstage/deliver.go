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
	// deliverBackoff is how long a failing store or sink is left alone at most.
	deliverBackoff = 30 * time.Second
	// deliverBatch is how many endings are leased at a time, and deliverLease
	// for how long.
	deliverBatch = 100
	deliverLease = 2 * time.Minute
)

// Deliver gives the endings that the store has kept to the sink, until ctx ends,
// and returns ctx's error. It needs [Config.DurableEvents].
//
// Each ending is delivered at least once and, per user, in order; one that is
// delivered again has the same [Event.ID]. Any number of processes can run
// Deliver on one store, and share the work. While the sink fails, endings wait
// in the store, for [Config.KeepEndings] at most.
func (l *UserLogin) Deliver(ctx context.Context) error {
	journal, ok := session.StoreAs[session.Journal](l.config.Store)
	if !ok || !l.config.DurableEvents {
		return &ConfigError{Field: "DurableEvents", Value: l.config.DurableEvents, Want: "true to deliver"}
	}
	pause := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		more, err := l.deliverSome(ctx, journal)
		switch {
		case err != nil && ctx.Err() == nil:
			l.config.Logger.ErrorContext(ctx, "loginstage: endings are waiting to be delivered", "error", err)
			pause = min(max(2*pause, deliverEvery), deliverBackoff)
		case more:
			pause = 0
		default:
			pause = deliverEvery
		}
	}
}

// deliverSome delivers what it can lease, and reports whether there may be more
// right now.
func (l *UserLogin) deliverSome(ctx context.Context, journal session.Journal) (more bool, err error) {
	until := time.Now().Add(deliverLease)
	bounded, cancelLease := context.WithTimeout(ctx, l.config.StoreTimeout.Std())
	defer cancelLease()
	leased, err := journal.Lease(bounded, deliverLease, deliverBatch)
	if err != nil {
		return false, fmt.Errorf("loginstage: leasing endings: %w", err)
	}
	var delivered, held []session.ID
	for _, ended := range leased {
		inTime := ctx.Err() == nil && time.Now().Add(emitTimeout).Before(until)
		if err == nil && inTime {
			err = l.deliver(ctx, ended)
		}
		if err == nil && inTime {
			delivered = append(delivered, ended.Session.ID)
		} else {
			held = append(held, ended.Session.ID)
		}
	}
	// Also where ctx has ended: what is delivered should not be delivered again.
	settle, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.config.StoreTimeout.Std())
	defer cancel()
	if len(delivered) > 0 {
		err = errors.Join(err, journal.Delivered(settle, delivered...))
	}
	if len(held) > 0 {
		err = errors.Join(err, journal.Release(settle, 0, held...))
	}
	return len(leased) == deliverBatch, err
}

// deliver gives one ending to the sink, if it is one that anybody needs to hear of.
func (l *UserLogin) deliver(ctx context.Context, ended session.Ended) error {
	event, ok := eventOf(ended, nil)
	if !ok || l.config.Events == nil {
		return nil
	}
	if err := give(ctx, l.config.Events, event); err != nil {
		return fmt.Errorf("loginstage: delivering event %s: %w", event.ID, err)
	}
	return nil
}
