package loginstagetest

import (
	"context"
	"errors"
	"time"
)

// stuck is how long a step may take from one call of the store to the next.
const stuck = 20 * time.Second

var errStuck = errors.New("loginstagetest: a step waits for the other one, which waits for its turn")

type turnKey struct{}

// A turn is one of two steps whose calls of the store come in an order that is given.
type turn struct {
	who     int
	arrived chan<- arrival
	granted chan struct{}
}

// An arrival is a step that is about to call the store, or is done.
type arrival struct {
	who  int
	done bool
}

// awaitTurn returns when the step of ctx may call the store. Outside of interleave it
// returns at once.
func awaitTurn(ctx context.Context) {
	t, interleaved := ctx.Value(turnKey{}).(*turn)
	if !interleaved {
		return
	}
	t.arrived <- arrival{who: t.who}
	<-t.granted
}

// interleave runs two steps, one at a time: a step stops before each call of the store.
// At each stop at which both can go on, order says which one does; where order ends, it
// is the one that went last. It returns the whole order.
func interleave(ctx context.Context, steps [2]func(context.Context), order []int) ([]int, error) {
	arrived := make(chan arrival)
	var turns [2]*turn
	var over [2]bool
	await := func(who int) error {
		limit := time.NewTimer(stuck)
		defer limit.Stop()
		select {
		case a := <-arrived:
			over[a.who] = a.done
			return nil
		case <-limit.C:
			return errStuck
		}
	}
	for who, step := range steps {
		turns[who] = &turn{who: who, arrived: arrived, granted: make(chan struct{})}
		go func() {
			step(context.WithValue(ctx, turnKey{}, turns[who]))
			arrived <- arrival{who: who, done: true}
		}()
		if err := await(who); err != nil { // it does not touch the store before
			return nil, err
		}
	}
	var taken []int
	last := 0
	for !over[0] || !over[1] {
		next := last
		switch {
		case over[last]:
			next = 1 - last
		case !over[1-last]:
			if len(taken) < len(order) {
				next = order[len(taken)]
			}
			taken = append(taken, next)
		}
		turns[next].granted <- struct{}{}
		if err := await(next); err != nil {
			return taken, err
		}
		last = next
	}
	return taken, nil
}

// eachOrder calls run with orders of two steps until it has had all of those in which a
// step is interrupted by the other one no more often than the number of switches says.
// run returns the whole order that came of one. It goes on while more says so.
func eachOrder(switches int, more func() bool, run func(order []int) []int) {
	if switches < 0 {
		return
	}
	for orders := [][]int{{0}, {1}}; len(orders) > 0 && more(); {
		order := orders[len(orders)-1]
		orders = orders[:len(orders)-1]
		taken := run(order)
		for i := len(order); i < len(taken); i++ {
			other := append(append([]int(nil), taken[:i]...), 1-taken[i])
			if interruptions(other) <= switches {
				orders = append(orders, other)
			}
		}
	}
}

// interruptions returns how often a step was interrupted by the other one.
func interruptions(order []int) (n int) {
	for i := 1; i < len(order); i++ {
		if order[i] != order[i-1] {
			n++
		}
	}
	return n
}
