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
// [Store] keeps all of it. It is more than a user's ID may have in a login stage,
// which puts something before it for remembered devices.
const MaxUser = 512

// A Store holds sessions and the endings of those that ended lately. Package
// session/memstore has one in memory; session/sessiontest checks any.
//
// A session is live from Start until it is ended. Stores judge no limits:
// whether a live session is overdue is for the [Manager] to say. The one
// exception is named at Start.
//
// Each method is one atomic step, and safe for concurrent use, also by many
// processes on one store. A session once ended never lives again, whatever was
// in flight: Touch and End act on live sessions alone, and nothing but Start
// makes one. Times are kept to the nanosecond, everything else to the byte.
//
// Errors other than those named here mean that the store failed. It is then
// unknown whether the step was made; it was made whole or not at all.
type Store interface {
	// Start makes s live and ends what replace says, and returns each session
	// that it ended, in no particular order. If it fails, it has done neither.
	//
	// An ID that is live, or whose ending is kept, is ErrExists.
	Start(ctx context.Context, s Session, replace Replace) ([]Ended, error)

	// Get returns the live session, *EndedError with its ending while that is
	// kept, or ErrNotFound.
	Get(ctx context.Context, id ID) (Session, error)

	// Touch records that a live session was used. Of two touches the later
	// Seen.Time wins, in whatever order they arrive, and LastSeen never goes
	// back. A drift that comes with it adds to the session's, as Session.Apply
	// does, whichever time is later. A session that is not live is *EndedError
	// or ErrNotFound.
	Touch(ctx context.Context, id ID, seen Seen) error

	// End ends a live session and returns it, to exactly one caller. All others
	// get *EndedError with the ending that came first, or ErrNotFound.
	End(ctx context.Context, id ID, ending Ending) (Session, error)

	// EndUser ends all live sessions of the user, pending ones too, but for the
	// one that keep names, and returns those that it ended. The zero ID keeps
	// none. Its cost grows with that user's sessions, never with all sessions.
	EndUser(ctx context.Context, user string, keep ID, ending Ending) ([]Session, error)

	// List returns the live sessions of the user, pending ones too, the latest
	// sign-in first. Its cost grows with that user's sessions, never with all
	// sessions.
	List(ctx context.Context, user string) ([]Session, error)

	// Sweep forgets the sessions whose Deadline is at or before now and the
	// endings whose Keep is, and returns how many it forgot.
	Sweep(ctx context.Context, now time.Time) (int, error)
}

// Replace says which sessions a new one takes the place of. The zero value is
// none.
type Replace struct {
	// From is the session that the new one came from, in the same browser. It
	// is ended if it is live: CauseReplaced, or CauseAnswered if it is pending.
	From ID

	// FromPending makes Start fail, and do nothing, unless From is live and
	// pending: *EndedError if it has ended, ErrNotFound otherwise.
	FromPending bool

	// Others ends all other live sessions of the user that are not pending:
	// CauseTerminated.
	Others bool

	// Max, if above 0, is how many sessions of the user may be live once the
	// new one is, which counts. The oldest sign-ins over it are ended:
	// CauseMaxSessions. Pending sessions do not count and are not ended, and
	// neither are those whose Deadline is at or before the new one's Created.
	Max int

	// Ending is what to record with the sessions that are ended. Its Cause is
	// set by the store, as said above.
	Ending Ending
}

// Because is the ending to record with a session that is ended for cause.
func (r Replace) Because(cause Cause) Ending {
	ending := r.Ending
	ending.Cause = cause
	return ending
}

// Seen is one use of a session.
type Seen struct {
	Time time.Time
	IP   netip.Addr // where from; the zero Addr, unknown, is recorded too

	Drift Drift // what is to be added to the session's drift; mostly nothing
}
