package histories

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/mooring-go/mooring/session"
)

// Rounds are made until one of these is reached, but at least a few, so that a
// store in memory gets many and one over a network does not take minutes.
const (
	fewRounds  = 10
	manyRounds = 400
	roundsTime = time.Second
)

// In each round this many goroutines make this many steps each. More would take the
// search for an order too long.
const (
	callers = 4
	steps   = 10
)

// searchTime is how long the search may take for one round. It mostly takes
// about a millisecond.
const searchTime = 20 * time.Second

// ErrNotLinearizable is returned for a history that no order of its steps
// explains.
var ErrNotLinearizable = errors.New("histories: not linearizable")

// RunLinearizable checks that each step of the store that open returns is made
// at one instant between its call and its return, whatever others do meanwhile.
// Nobody else may use the store. The users of the histories have names of their
// own, and nothing is forgotten before the store is closed. Run it with -race for
// stores in memory.
func RunLinearizable(t *testing.T, open func(*testing.T) session.Store) {
	t.Helper()
	rounds, err := CheckLinearizable(t.Context(), open(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rounds of %d steps", rounds, callers*steps)
}

// CheckLinearizable is [RunLinearizable] for a store that is open already. It
// returns how many rounds it made, and [ErrNotLinearizable] with the history for
// the first one that fails. Other errors are the store's.
func CheckLinearizable(ctx context.Context, store session.Store) (int, error) {
	begin := time.Now()
	for n := range manyRounds {
		if n >= fewRounds && time.Since(begin) > roundsTime {
			return n, nil
		}
		cast := newCast(lately(), 3, fmt.Sprintf("ada of round %d", n), fmt.Sprintf("bob of round %d", n))
		if err := round(ctx, store, cast); err != nil {
			return n, err
		}
	}
	return manyRounds, nil
}

// round makes one history and checks it.
func round(ctx context.Context, store session.Store, cast *cast) error {
	var mu sync.Mutex
	var history []porcupine.Operation
	var failures []error
	begin := time.Now()
	do := func(caller int, o operation) {
		call := time.Since(begin)
		got, err := o.call(ctx, store)
		back := time.Since(begin)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err != nil:
			failures = append(failures, fmt.Errorf("%s: %w", o, err))
		case o.method != "Sweep":
			history = append(history, porcupine.Operation{
				ClientId: caller, Input: o, Output: got, Call: call.Nanoseconds(), Return: back.Nanoseconds(),
			})
		case got.swept != (session.Swept{}):
			failures = append(failures, fmt.Errorf("%w: %s: %s, and nothing was due", ErrNotLinearizable, o, got))
		}
	}
	var running sync.WaitGroup
	start := make(chan struct{})
	for caller := range callers {
		running.Go(func() {
			pick := choice(func(_ string, n int) int { return rand.IntN(n) })
			<-start
			for range steps {
				do(caller, cast.any(pick))
			}
		})
	}
	close(start)
	running.Wait()
	for _, look := range cast.all() { // what became of it
		do(callers, look)
	}
	if err := errors.Join(failures...); err != nil {
		return err
	}
	for _, operations := range ofEachUser(history) {
		switch porcupine.CheckOperationsTimeout(contract, operations, searchTime) {
		case porcupine.Illegal:
			return fmt.Errorf("%w: no order explains:\n%s", ErrNotLinearizable, describe(operations))
		case porcupine.Unknown:
			return fmt.Errorf("histories: no order found in %s for:\n%s", searchTime, describe(operations))
		}
	}
	return nil
}

// any returns one of the steps that concern a single user, or a sweep that finds
// nothing: sweeps need not be one step for all users.
func (c *cast) any(pick choice) operation {
	switch pick("method", 14) {
	case 0, 1, 2, 3:
		return c.start(pick, func(session.ID) bool { return false })
	case 4:
		return c.get(pick)
	case 5, 6:
		return c.touch(pick)
	case 7, 8:
		return c.end(pick)
	case 9:
		return c.endUser(pick)
	case 10:
		return c.list(pick)
	case 11, 12:
		return c.update(pick)
	default:
		return operation{method: "Sweep", now: c.now}
	}
}

// contract is the model as the search takes it.
var contract = porcupine.Model{
	Init: func() any { return model{} },
	Step: func(state, input, output any) (bool, any) {
		next, want := state.(model).step(input.(operation))
		return slices.ContainsFunc(want, output.(result).equal), next
	},
	Equal: func(a, b any) bool { return reflect.DeepEqual(a, b) },
}

// ofEachUser parts a history: steps of different users do not touch the same
// sessions, so each user's have an order of their own.
func ofEachUser(history []porcupine.Operation) map[string][]porcupine.Operation {
	users := map[string][]porcupine.Operation{}
	for _, o := range history {
		user := o.Input.(operation).user
		users[user] = append(users[user], o)
	}
	return users
}

// describe returns the steps in the order in which they were called.
func describe(operations []porcupine.Operation) string {
	slices.SortFunc(operations, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	var text strings.Builder
	for _, o := range operations {
		fmt.Fprintf(&text, "caller %d, %s to %s: %s: %s\n",
			o.ClientId, time.Duration(o.Call), time.Duration(o.Return), o.Input, o.Output)
	}
	return text.String()
}
