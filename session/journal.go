package session

import (
	"context"
	"time"
)

// A Journal is a [Store] that keeps endings for delivery: what ended, when, why
// and by whom is written in the same atomic step as the ending, and stays until
// it was delivered or [Ending.Keep] has come. It keeps those endings whose
// [Ending.Journal] is set.
//
// Each session ends once, so its ID names its ending, and a receiver can tell
// a repeated delivery by it.
type Journal interface {
	Store

	// Lease returns up to limit undelivered endings that nobody else holds, and
	// keeps them from all others until the instant until. Per user they come in
	// the order in which they happened, and while one of a user's endings is
	// leased nobody else gets a later one of that user. now is the caller's
	// clock, by which leases and Keep are judged.
	Lease(ctx context.Context, now, until time.Time, limit int) ([]Ended, error)

	// Delivered forgets the leased endings of the sessions named; those that are
	// not there are passed over.
	Delivered(ctx context.Context, ids ...ID) error

	// Release gives back what was leased and not delivered, so that it need not
	// wait for the lease to end.
	Release(ctx context.Context, ids ...ID) error
}
