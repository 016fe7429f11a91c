package session

import (
	"context"
	"errors"
	"net/netip"
	"time"
)

// ErrNotFound is returned where there is no session: it never was, or it ended
// and its ending has been forgotten.
var ErrNotFound = errors.New("session: not found")

// ErrExists is returned by [Store.Start] for an ID that is or was in use.
var ErrExists = errors.New("session: ID already in use")

// MaxUser is how long the owner of a session can be, [Session.User], in bytes. A
// [Store] keeps all of it.
const MaxUser = 512

// ErrInvalid is returned for a session that no store can keep: see
// [Session.Validate].
var ErrInvalid = errors.New("session: not a session that can be kept")

// A Store holds sessions and the endings of those that ended lately. Package
// session/memstore has one in memory; session/sessiontest checks any.
//
// A session is live from Start until it is ended. Stores judge no limits:
// whether a live session is overdue is for the [Manager] to say. The exceptions
// are named at Start and at Sweep.
//
// Each method is one atomic step, and safe for concurrent use, also by many
// processes on one store. A session once ended never lives again, whatever was
// in flight: Touch, Update and End act on live sessions alone, and nothing but Start
// makes one live. Times are kept to the nanosecond, everything else to the byte.
//
// Where one call has to end more than [EndBatch] records, it may do so in several
// atomic steps, the oldest records first. What an earlier step has ended stays
// ended, and is returned, if a later one fails or the context ends.
//
// Errors other than those named here mean that the store failed. It is then
// unknown whether the step was made; it was made whole or not at all.
type Store interface {
	// Start makes s live and ends what replace says, and returns each record
	// that it ended, in no particular order. If it fails, s is not live; what an
	// earlier step ended, as said above, or a step on the record of another user
	// that replace.Before names, comes with the error.
	//
	// A session that Validate refuses is ErrInvalid. An ID that is live, or whose
	// ending is kept, is ErrExists, whatever replace says. What replace refuses is
	// ErrConflict or *LimitError, and nothing has ended then.
	Start(ctx context.Context, s Session, replace Replace) ([]Ended, error)

	// Get returns the live session, *EndedError with its ending while that is
	// kept, or ErrNotFound.
	Get(ctx context.Context, id ID) (Session, error)

	// Touch records that a live session was used. Of two touches the later
	// Seen.Time wins, in whatever order they arrive, and LastSeen never goes
	// back. A time that is ahead of the store's clock counts as the store's now,
	// and a LastSeen that is more than a minute ahead of it is replaced. A drift
	// that comes with it adds to the session's, whichever time is later, and raises its
	// Version if that changes anything. All of this is what Session.Apply does at the store's now. A session that is not
	// live is *EndedError or ErrNotFound.
	Touch(ctx context.Context, id ID, seen Seen) error

	// Update makes the change in a live session and returns it as it is then: what
	// Session.Update does. Of two changes that go by one Version the store makes one;
	// the other is ErrConflict, and comes with the session as it is. A change that
	// Session.Update refuses is ErrInvalid. A session that is not live is *EndedError
	// or ErrNotFound.
	Update(ctx context.Context, id ID, update Update) (Session, error)

	// End ends a live session and returns it, to exactly one caller. All others
	// get *EndedError with the ending that came first, or ErrNotFound. A session that
	// comes with another error was ended by this call, which may not last: a failover can
	// undo it, say. The same holds for what Start and EndUser return with an error.
	End(ctx context.Context, id ID, ending Ending) (Session, error)

	// EndUser ends the live records of the user that are of one of the kinds, or
	// of any kind if none is named, but for the one that keep names, and returns
	// those that it ended. The zero ID keeps none. When it returns without an
	// error there was an instant during the call at which the user had no other.
	// Its cost grows with that user's records, never with all.
	EndUser(ctx context.Context, user string, keep ID, ending Ending, kinds ...Kind) ([]Session, error)

	// List returns the live records of the user that are of one of the kinds, or
	// of any kind if none is named, the latest sign-in first. Its cost grows with
	// that user's records, never with all.
	List(ctx context.Context, user string, kinds ...Kind) ([]Session, error)

	// Sweep forgets the sessions whose Deadline is at or before now and the
	// endings whose Keep is. A time that is ahead of the store's clock counts as
	// the store's now. A store that is a Journal does not forget a session whose
	// TellExpiry is set, neither here nor elsewhere, but ends it: with CauseExpired
	// or CauseIdle, as Overdue says, at its Deadline, to be kept for TellExpiry from
	// now on, in the journal.
	Sweep(ctx context.Context, now time.Time) (Swept, error)
}

// EndBatch is how many records one atomic step of a [Store] ends at the least, if
// there are as many to end.
const EndBatch = 100

// Swept is what [Store.Sweep] did.
type Swept struct {
	Forgotten   int // sessions and endings that are gone
	Expired     int // sessions that it ended because they had reached a limit
	Undelivered int // of the endings forgotten: those that a journal had kept and nobody was told
}

// Seen is one use of a session.
type Seen struct {
	Time time.Time
	IP   netip.Addr // where from; the zero Addr, unknown, is recorded too

	Drift Drift // what is to be added to the session's drift; mostly nothing
}

// A Clock is a [Store] that has one clock for all processes that use it. A
// [Manager] keeps time by it, so that processes whose clocks differ agree on
// every limit.
type Clock interface {
	Now(ctx context.Context) (time.Time, error)
}

// InMemory is a [Store] that answers at once and never fails, so that a
// [Manager] needs to set it no deadline. The method does nothing.
type InMemory interface{ InMemory() }

// StoreAs returns store, or the first store that it wraps, as a T: one of the
// optional interfaces [Journal], [Clock] and [InMemory], say. A store that wraps
// another one has a method Unwrap() Store.
func StoreAs[T any](store Store) (T, bool) {
	for {
		if as, ok := store.(T); ok {
			return as, true
		}
		wrapper, ok := store.(interface{ Unwrap() Store })
		if !ok {
			var none T
			return none, false
		}
		store = wrapper.Unwrap()
	}
}
