package sessiontest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/mooring-go/mooring/session"
)

// brokenJournal is a journal with some of its methods replaced.
type brokenJournal struct {
	*Journal
	onLease     func(ctx context.Context, term time.Duration, limit int) ([]session.Ended, error)
	onDelivered func(ctx context.Context, ids ...session.ID) error
	onRelease   func(ctx context.Context, pause time.Duration, ids ...session.ID) error
	onSweep     func(ctx context.Context, now time.Time) (session.Swept, error)
	onStart     func(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error)
	onEnd       func(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error)

	seen sync.Map // what a broken method remembers
}

func (b *brokenJournal) Lease(ctx context.Context, term time.Duration, limit int) ([]session.Ended, error) {
	if b.onLease != nil {
		return b.onLease(ctx, term, limit)
	}
	return b.Journal.Lease(ctx, term, limit)
}

func (b *brokenJournal) Delivered(ctx context.Context, ids ...session.ID) error {
	if b.onDelivered != nil {
		return b.onDelivered(ctx, ids...)
	}
	return b.Journal.Delivered(ctx, ids...)
}

func (b *brokenJournal) Release(ctx context.Context, pause time.Duration, ids ...session.ID) error {
	if b.onRelease != nil {
		return b.onRelease(ctx, pause, ids...)
	}
	return b.Journal.Release(ctx, pause, ids...)
}

func (b *brokenJournal) Sweep(ctx context.Context, now time.Time) (session.Swept, error) {
	if b.onSweep != nil {
		return b.onSweep(ctx, now)
	}
	return b.Journal.Sweep(ctx, now)
}

func (b *brokenJournal) Start(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error) {
	if b.onStart != nil {
		return b.onStart(ctx, s, r)
	}
	return b.Journal.Start(ctx, s, r)
}

func (b *brokenJournal) End(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
	if b.onEnd != nil {
		return b.onEnd(ctx, id, ending)
	}
	return b.Journal.End(ctx, id, ending)
}

// answering changes what a Lease returns.
func answering(change func(b *brokenJournal, leased []session.Ended, limit int) []session.Ended) func(*brokenJournal) {
	return func(b *brokenJournal) {
		b.onLease = func(ctx context.Context, term time.Duration, limit int) ([]session.Ended, error) {
			leased, err := b.Journal.Lease(ctx, term, limit)
			return change(b, leased, limit), err
		}
	}
}

var brokenJournals = []breakage[brokenJournal]{
	{"every ending is kept", []string{"a journal keeps the endings that ask for it"}, func(b *brokenJournal) {
		b.onEnd = func(ctx context.Context, id session.ID, ending session.Ending) (session.Session, error) {
			ending.Journal = true
			return b.Journal.End(ctx, id, ending)
		}
	}},
	{"what a Start ends is not kept", []string{"a journal keeps the endings that ask for it"}, func(b *brokenJournal) {
		b.onStart = func(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error) {
			ended, err := b.Journal.Start(ctx, s, r)
			_ = b.Journal.Delivered(ctx, idsOf(ended)...)
			return ended, err
		}
	}},
	{"a Start that fails has told", []string{"a step that fails tells nothing"}, func(b *brokenJournal) {
		b.onStart = func(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error) {
			list, _ := b.Journal.List(ctx, s.User)
			ended, err := b.Journal.Start(ctx, s, r)
			if err != nil {
				for _, other := range list {
					b.Journal.waiting = append(b.Journal.waiting, &waiting{Ended: session.Ended{Session: other, Ending: r.Ending}})
				}
			}
			return ended, err
		}
	}},
	{"a lease has the latest first", []string{"a user's endings are leased in order"},
		answering(func(_ *brokenJournal, leased []session.Ended, _ int) []session.Ended {
			slices.Reverse(leased)
			return leased
		})},
	{"a lease holds back nothing else", []string{"a user's endings are leased in order", "parallel leases share the endings"}, func(b *brokenJournal) {
		b.onLease = func(_ context.Context, term time.Duration, limit int) ([]session.Ended, error) {
			b.Journal.mu.Lock()
			defer b.Journal.mu.Unlock()
			var leased []session.Ended
			for _, w := range slices.Backward(b.Journal.waiting) {
				if len(leased) < limit && w.until.Before(time.Now()) {
					w.until = time.Now().Add(term)
					leased = append(leased, w.Ended)
				}
			}
			return leased, nil
		}
	}},
	{"a lease is one more", []string{"Lease returns no more than it is asked for"}, func(b *brokenJournal) {
		b.onLease = func(ctx context.Context, term time.Duration, limit int) ([]session.Ended, error) {
			return b.Journal.Lease(ctx, term, limit+1)
		}
	}},
	{"a lease is for ever", []string{"a lease ends with its term"}, func(b *brokenJournal) {
		b.onLease = func(ctx context.Context, _ time.Duration, limit int) ([]session.Ended, error) {
			return b.Journal.Lease(ctx, time.Hour, limit)
		}
	}},
	{"a lease is no lease", []string{"a lease ends with its term", "a user's endings are leased in order"}, func(b *brokenJournal) {
		b.onLease = func(ctx context.Context, _ time.Duration, limit int) ([]session.Ended, error) {
			return b.Journal.Lease(ctx, 0, limit)
		}
	}},
	{"Release does nothing", []string{"Release gives back at once", "what nobody was told of is counted"}, func(b *brokenJournal) {
		b.onRelease = func(context.Context, time.Duration, ...session.ID) error { return nil }
	}},
	{"a pause is passed over", []string{"Release with a pause holds back that user alone"}, func(b *brokenJournal) {
		b.onRelease = func(ctx context.Context, _ time.Duration, ids ...session.ID) error {
			return b.Journal.Release(ctx, 0, ids...)
		}
	}},
	{"a pause is everybody's", []string{"Release with a pause holds back that user alone"}, func(b *brokenJournal) {
		var until time.Time
		b.onRelease = func(ctx context.Context, pause time.Duration, ids ...session.ID) error {
			if pause > 0 {
				until = time.Now().Add(pause)
			}
			return b.Journal.Release(ctx, pause, ids...)
		}
		b.onLease = func(ctx context.Context, term time.Duration, limit int) ([]session.Ended, error) {
			if time.Now().Before(until) {
				return nil, nil
			}
			return b.Journal.Lease(ctx, term, limit)
		}
	}},
	{"first come is first served", []string{"users take turns"}, func(b *brokenJournal) {
		b.onLease = func(ctx context.Context, term time.Duration, limit int) ([]session.Ended, error) {
			all, err := b.Journal.Lease(ctx, term, 1<<20)
			slices.SortStableFunc(all, func(a, b session.Ended) int { return a.Ending.Time.Compare(b.Ending.Time) })
			adas := slices.DeleteFunc(slices.Clone(all), func(e session.Ended) bool { return e.Session.User != "ada" })
			leased := slices.Concat(adas, all)[:min(limit, len(all))]
			for _, e := range all {
				_ = b.Journal.Release(ctx, 0, e.Session.ID)
			}
			return leased, err
		}
	}},
	{"Delivered does nothing", []string{"what is delivered is forgotten by the journal"}, func(b *brokenJournal) {
		b.onDelivered = func(context.Context, ...session.ID) error { return nil }
	}},
	{"the unknown cannot be delivered", []string{"what is delivered is forgotten by the journal"}, func(b *brokenJournal) {
		b.onDelivered = func(ctx context.Context, ids ...session.ID) error {
			for _, id := range ids {
				if _, err := b.Journal.Get(ctx, id); err == session.ErrNotFound { //nolint:errorlint // as it is
					return err
				}
			}
			return b.Journal.Delivered(ctx, ids...)
		}
	}},
	{"nothing is counted as undelivered", []string{"what nobody was told of is counted", "an expiry that nobody was told of is counted"}, func(b *brokenJournal) {
		b.onSweep = func(ctx context.Context, now time.Time) (session.Swept, error) {
			swept, err := b.Journal.Sweep(ctx, now)
			swept.Undelivered = 0
			return swept, err
		}
	}},
	{"a limit is not told", []string{"a limit that is reached is told", "a limit is told whatever else happens meanwhile"}, func(b *brokenJournal) {
		b.onStart = func(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error) {
			s.TellExpiry = 0
			return b.Journal.Start(ctx, s, r)
		}
	}},
	{"a limit is told as of the sweep", []string{"a limit that is reached is told"},
		answering(func(_ *brokenJournal, leased []session.Ended, _ int) []session.Ended {
			for i := range leased {
				leased[i].Ending.Time = time.Now().UTC()
			}
			return leased
		})},
	{"a limit is told by each sweep", []string{"a limit that is reached is told"}, func(b *brokenJournal) {
		b.onSweep = func(ctx context.Context, now time.Time) (session.Swept, error) {
			swept, err := b.Journal.Sweep(ctx, now)
			if swept.Expired > 0 {
				b.seen.Store("expired", swept.Expired)
			} else if before, ok := b.seen.Load("expired"); ok {
				swept.Expired = before.(int)
			}
			return swept, err
		}
	}},
	{"a Start forgets what is to be told", []string{"a limit is told whatever else happens meanwhile"}, func(b *brokenJournal) {
		b.onStart = func(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error) {
			b.Journal.mu.Lock()
			clear(b.Journal.tell)
			b.Journal.mu.Unlock()
			return b.Journal.Start(ctx, s, r)
		}
	}},
	{"Sweep reads and then ends", []string{"what was used meanwhile is not told as over"}, func(b *brokenJournal) {
		b.onStart = func(ctx context.Context, s session.Session, r session.Replace) ([]session.Ended, error) {
			b.seen.Store(s.ID, nil)
			return b.Journal.Start(ctx, s, r)
		}
		b.onSweep = func(ctx context.Context, now time.Time) (session.Swept, error) {
			var swept session.Swept
			for key := range b.seen.Range {
				s, err := b.Journal.Get(ctx, key.(session.ID))
				if err != nil || s.Overdue(now) == "" {
					continue
				}
				yield()
				ending := session.Ending{Cause: s.Overdue(now), Time: s.Deadline(), Keep: now.Add(s.TellExpiry), Journal: true}
				if _, err := b.Journal.End(ctx, s.ID, ending); err == nil {
					swept.Expired++
				}
			}
			return swept, nil
		}
	}},
}
