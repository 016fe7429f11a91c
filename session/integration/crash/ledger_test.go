package crash

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mooring-go/mooring/session"
)

// A ledger is what was said of the sessions by all processes so far.
type ledger struct {
	owner map[session.ID]string // of those that were to be started, confirmed or not
	open  map[session.ID]bool   // those not yet seen ended, to be looked at after the next crash
	said  map[step]map[session.ID]bool

	endings, lost int // found by all verifications so far
	failed        int // steps that failed by what was done to the store
}

// errFailed is that the store failed, by what a process says.
var errFailed = errors.New("the store failed under load")

func newLedger() *ledger {
	l := &ledger{owner: map[session.ID]string{}, open: map[session.ID]bool{}, said: map[step]map[session.ID]bool{}}
	for _, s := range []step{starting, started, ended, delivering, delivered} {
		l.said[s] = map[session.ID]bool{}
	}
	return l
}

// enter takes down a note, or returns the failure that it tells of.
func (l *ledger) enter(n note) error {
	if n.Step == failed {
		return fmt.Errorf("%w: %s", errFailed, n.Error)
	}
	for _, id := range n.IDs {
		if n.Step == ended && l.said[ended][id] {
			return fmt.Errorf("%s was ended twice", id)
		}
		l.said[n.Step][id] = true
		if n.Step == starting {
			l.owner[id], l.open[id] = n.User, true
		}
		if n.Step == ended {
			l.open[id] = true
		}
	}
	return nil
}

// A finding is what the store holds after a crash.
type finding struct {
	live   map[session.ID]bool
	ended  map[session.ID]bool
	lost   int // steps begun and not confirmed that were not made
	leased []session.ID
}

// verify compares the store with the ledger: everything wrong, joined. Leases of
// processes that are gone have to be over.
func (l *ledger) verify(ctx context.Context, store session.Journal) (finding, error) {
	f := finding{live: map[session.ID]bool{}, ended: map[session.ID]bool{}}
	var wrong []error
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }

	entries := map[session.ID]bool{}
	leased, err := store.Lease(ctx, time.Minute, 1_000_000)
	if err != nil {
		return f, fmt.Errorf("lease: %w", err)
	}
	defer func() { _ = store.Release(ctx, 0, f.leased...) }()
	for _, e := range leased {
		id := e.Session.ID
		f.leased = append(f.leased, id)
		if entries[id] {
			say("%s is in the journal twice", id)
		}
		entries[id] = true
		if l.said[delivered][id] {
			say("%s is in the journal, and its delivery was confirmed", id)
		}
		if !l.said[starting][id] {
			say("%s is in the journal, and nobody was to start it", id)
		}
		if _, err := store.Get(ctx, id); !hasEnded(err) {
			say("%s is in the journal, and Get says %v", id, err)
		}
	}

	for id := range l.open {
		s, err := store.Get(ctx, id)
		switch told, over := errors.AsType[*session.EndedError](err); {
		case err == nil:
			f.live[id] = true
			if l.said[ended][id] {
				say("%s is live, and its ending was confirmed", id)
			}
			if s.User != l.owner[id] {
				say("%s is live and of %q, want %q", id, s.User, l.owner[id])
			}
		case over:
			f.ended[id] = true
			if told.Ending.Cause == "" || told.Ending.Time.IsZero() || !told.Ending.Journal {
				say("%s ended, and its ending is %+v", id, told.Ending)
			}
			if !entries[id] && !l.said[delivering][id] {
				say("%s ended, and is not in the journal, and nobody was to deliver it", id)
			}
		case !errors.Is(err, session.ErrNotFound):
			say("%s: %w", id, err)
		case l.said[started][id] || l.said[ended][id]:
			say("%s is gone, and it was confirmed", id)
		default:
			f.lost++
		}
	}

	listed := 0
	for i, user := range users {
		live, err := store.List(ctx, user)
		if err != nil {
			say("list: %w", err)
		}
		listed += len(live)
		for _, s := range live {
			if !f.live[s.ID] {
				say("%s is listed, and is not live", s.ID)
			}
		}
		if i < len(single) && len(live) > 1 {
			say("%d sessions of %s are live, want one at the most", len(live), user)
		}
	}
	if listed != len(f.live) {
		say("%d sessions are listed, and %d are live", listed, len(f.live))
	}
	return f, errors.Join(wrong...)
}

// settle repeats verify, once leases are over, until it finds nothing wrong: a server may
// go on for a moment with what a client that is gone has sent. What is wrong stays wrong.
func (l *ledger) settle(ctx context.Context, store session.Journal) (finding, error) {
	const patience = 30 * time.Second
	time.Sleep(leaseTerm)
	for begin := time.Now(); ; {
		f, err := l.verify(ctx, store)
		if err == nil || time.Since(begin) > patience {
			return f, err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// close takes down what was found, and what was delivered since.
func (l *ledger) close(f finding, deliveries []session.ID) {
	l.open = f.live
	l.endings += len(f.ended)
	l.lost += f.lost
	for _, id := range deliveries {
		l.said[delivering][id], l.said[delivered][id] = true, true
	}
}

func hasEnded(err error) bool {
	_, ended := errors.AsType[*session.EndedError](err)
	return ended
}
