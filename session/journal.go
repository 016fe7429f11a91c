package session

import (
	"context"
	"time"
)

// A Journal is a [Store] that keeps endings for delivery: what ended, when, why
// and by whom is written in the same atomic step as the ending, and stays until
// it was delivered or [Ending.Keep] has come: a transactional outbox. It keeps
// those endings whose [Ending.Journal] is set, and those by which Sweep ends a
// session whose [Session.TellExpiry] is.
//
// Each session ends once, so its ID names its ending, and a receiver can tell
// a repeated delivery by it.
type Journal interface {
	Store

	// Lease returns up to limit undelivered endings that nobody else holds, and
	// keeps them from all others for the term, by the store's clock. Per user
	// they come in the order in which they happened, and while one of a user's
	// endings is leased nobody else gets a later one of that user. Users take turns:
	// whose endings have waited for a lease come before those of a user who has had
	// one, so that one user's backlog does not hold up others. Its cost grows with
	// limit, not with how many endings wait, of one user or of all. If it fails, what it
	// had leased by then may come with the error.
	Lease(ctx context.Context, term time.Duration, limit int) ([]Ended, error)

	// Delivered forgets, in the journal, the leased endings of the sessions named;
	// those that are not there are passed over.
	Delivered(ctx context.Context, ids ...ID) error

	// Release gives back what was leased and not delivered. Until pause is over
	// nobody gets it, nor a later ending of the same user; 0: it can be leased at
	// once. Endings of other users do not wait for it.
	Release(ctx context.Context, pause time.Duration, ids ...ID) error
}
