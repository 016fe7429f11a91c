package histories

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/mooring-go/mooring/session"
)

// boundedTime is for how long rounds of bounded staleness are made.
const boundedTime = 3 * time.Second

// RunBounded checks stores that are processes' views of the same sessions, such as
// caches in front of one store, with what several of them do at once: each step is made
// at one instant between its call and its return, but a Get that finds a session live
// may say what was so up to bound before its call. Which use of a session was the latest
// is not compared. Nobody else may use the stores. With one store and a bound of 0 it
// checks that a process reads what it has written.
func RunBounded(t *testing.T, open func(*testing.T) []session.Store, bound time.Duration) {
	t.Helper()
	rounds, err := CheckBounded(t.Context(), open(t), bound)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rounds of %d steps", rounds, callers*steps)
}

// CheckBounded is [RunBounded] for stores that are open already. It returns how many
// rounds it made, and [ErrNotLinearizable] with the history for the first one that
// fails. Other errors are the stores'.
func CheckBounded(ctx context.Context, stores []session.Store, bound time.Duration) (int, error) {
	for n, begin := 0, time.Now(); ; n++ {
		if n >= fewRounds && time.Since(begin) > boundedTime {
			return n, nil
		}
		b := &boundedRound{stores: stores, bound: bound, begin: time.Now()}
		b.cast = newCast(time.Now().UTC(), 3, fmt.Sprintf("ada of bounded round %d", n), fmt.Sprintf("bob of bounded round %d", n))
		if err := b.run(ctx); err != nil {
			return n, err
		}
	}
}

// A boundedRound is one history.
type boundedRound struct {
	stores []session.Store
	bound  time.Duration
	cast   *cast
	begin  time.Time

	mu       sync.Mutex
	history  []porcupine.Operation
	failures []error
}

func (b *boundedRound) run(ctx context.Context) error {
	var running sync.WaitGroup
	for caller := range callers {
		running.Go(func() {
			pick := choice(func(_ string, n int) int { return rand.IntN(n) })
			for range steps {
				b.do(ctx, caller, b.stores[rand.IntN(len(b.stores))], b.cast.watched(pick))
				time.Sleep(rand.N(b.bound/4 + 1))
			}
		})
	}
	running.Wait()
	time.Sleep(b.bound)
	for _, store := range b.stores {
		for _, id := range b.cast.ids {
			b.do(ctx, callers, store, b.cast.named("Get", id))
		}
	}
	if err := errors.Join(b.failures...); err != nil {
		return err
	}
	for _, operations := range ofEachUser(b.history) {
		switch porcupine.CheckOperationsTimeout(watchedContract, operations, searchTime) {
		case porcupine.Illegal:
			return fmt.Errorf("%w with a staleness of %s: no order explains:\n%s", ErrNotLinearizable, b.bound, describe(operations))
		case porcupine.Unknown:
			return fmt.Errorf("histories: no order found in %s for:\n%s", searchTime, describe(operations))
		}
	}
	return nil
}

// do makes the operation. A Get that finds a live session counts as called before.
func (b *boundedRound) do(ctx context.Context, caller int, store session.Store, o operation) {
	call := time.Since(b.begin)
	got, err := o.call(ctx, store)
	back := time.Since(b.begin)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.failures = append(b.failures, fmt.Errorf("%s: %w", o, err))
		return
	}
	if o.method == "Get" && got.fault == "" {
		call -= b.bound
	}
	b.history = append(b.history, porcupine.Operation{
		ClientId: caller, Input: o, Output: got, Call: call.Nanoseconds(), Return: back.Nanoseconds(),
	})
}

// watched returns one of the steps whose changes are told, or a look: mostly looks, which is
// what a cache is for. Uses are at the instant of the history, which no clock has yet to
// come to, and with a drift.
func (c *cast) watched(pick choice) operation {
	switch pick("method", 12) {
	case 0, 1, 2:
		return c.start(pick, func(session.ID) bool { return false })
	case 3:
		return c.end(pick)
	case 4:
		return c.endUser(pick)
	case 5:
		o := c.named("Touch", c.id(pick))
		o.seen = session.Seen{
			Time: c.now, IP: c.ip(pick), Drift: session.Drift{Moves: []time.Time{c.now.Add(-time.Duration(pick("move", 1000)))}},
		}
		return o
	default:
		return c.get(pick)
	}
}

// watchedContract is the contract, but for what a Get says of the latest use.
var watchedContract = porcupine.Model{
	Init: contract.Init,
	Step: func(state, input, output any) (bool, any) {
		o := input.(operation)
		next, want := state.(model).step(o)
		if o.method != "Get" {
			return slices.ContainsFunc(want, output.(result).equal), next
		}
		got := withoutUse(output.(result))
		return slices.ContainsFunc(want, func(w result) bool { return got.equal(withoutUse(w)) }), next
	},
	Equal: contract.Equal,
}

// withoutUse returns r without when and from where live sessions were used.
func withoutUse(r result) result {
	r.sessions = slices.Clone(r.sessions)
	for i := range r.sessions {
		r.sessions[i].LastSeen, r.sessions[i].IP = time.Time{}, netip.Addr{}
	}
	return r
}
