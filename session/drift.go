package session

import (
	"slices"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session/devicekey"
)

// RestrictedIdle is the Drift.Restricted of a session that went unused for longer than
// its Idle, and not yet for its Resume on top. Nothing uses it any more: it goes on as
// another one, once its user was proved again, or is over at its Deadline.
const RestrictedIdle binding.Reason = "idle"

// Drift is what became of a session's binding since the sign-in. It only grows:
// what was learned is never replaced and what was restricted is never lifted;
// a session that is confirmed is a new one. The zero value is a session that
// never moved. It is read-only once it is in a session.
type Drift struct {
	// Second is the anchor of the address family that the sign-in did not
	// come from, where a policy lets one be learned. The zero value is none.
	Second binding.Location

	// Restricted is why the session must be confirmed before it may do
	// everything again; empty: it may. The first reason stays, but a binding that
	// does not hold is one that outranks RestrictedIdle: it may ask for more proof.
	Restricted binding.Reason

	// Moves are the times of the latest tolerated changes of address, oldest
	// first.
	Moves []time.Time

	// Key is the device key that the session is bound to. It is written once: of
	// two that are bound at once the first stays, and only a new sign-in or a
	// re-authentication brings another. The zero Key is none.
	Key devicekey.Key

	// Proved names the latest moves for which the device key was proved, so that
	// each is proved once.
	Proved []string

	// Reported names the latest moves that were reported, so that each is
	// reported once.
	Reported []string
}

// IsZero reports whether the session never moved.
func (d Drift) IsZero() bool { return d.isZero() }

func (d *Drift) isZero() bool {
	return !d.Second.IP.IsValid() && d.Restricted == "" && len(d.Moves) == 0 && len(d.Reported) == 0 && len(d.Proved) == 0 && d.Key.IsZero()
}

// How much of a drift is kept.
const (
	maxMoves    = 64
	maxReported = 16
	maxProved   = 16
)

// merge returns d with what other adds to it.
func (d Drift) merge(other Drift) Drift {
	if !d.Second.IP.IsValid() {
		d.Second = other.Second
	}
	if d.Restricted == "" || (d.Restricted == RestrictedIdle && other.Restricted != "") {
		d.Restricted = other.Restricted
	}
	d.Moves = slices.Concat(d.Moves, other.Moves)
	slices.SortFunc(d.Moves, time.Time.Compare)
	d.Moves = latest(slices.CompactFunc(d.Moves, time.Time.Equal), maxMoves)
	d.Reported = mergeNames(d.Reported, other.Reported, maxReported)
	d.Proved = mergeNames(d.Proved, other.Proved, maxProved)
	if d.Key.IsZero() {
		d.Key = other.Key
	}
	return d
}

// equal reports whether other says the same as d.
func (d Drift) equal(other Drift) bool {
	return d.Second.IP == other.Second.IP && d.Restricted == other.Restricted && d.Key == other.Key && // a second anchor is written once
		slices.EqualFunc(d.Moves, other.Moves, time.Time.Equal) &&
		slices.Equal(d.Proved, other.Proved) && slices.Equal(d.Reported, other.Reported)
}

// mergeNames returns the names with what others add to them, the last n.
func mergeNames(names, others []string, n int) []string {
	for _, name := range others {
		if !slices.Contains(names, name) {
			names = append(slices.Clone(names), name)
		}
	}
	return latest(names, n)
}

// latest returns the last n of s, or fewer.
func latest[T any](s []T, n int) []T { return s[max(0, len(s)-n):] }

// Apply records seen in s at the store's time now, as [Store.Touch] promises: a
// time ahead of now counts as now, the later time wins, and a drift adds to what is
// there, which raises the Version. A LastSeen that is ahead of now, as only a clock that
// was wrong can have written it, counts as earlier than any. It reports whether anything
// changed. Stores that cannot do this in one command read, apply and write in one step.
func (s *Session) Apply(seen Seen, now time.Time) bool {
	if seen.Time.After(now) {
		seen.Time = now
	}
	changed := false
	if seen.Time.After(s.LastSeen) || ahead(s.LastSeen, now) {
		s.LastSeen, s.IP = seen.Time, seen.IP
		changed = true
	}
	if !seen.Drift.IsZero() {
		if drift := s.Drift.merge(seen.Drift); !drift.equal(s.Drift) {
			s.Drift = drift
			s.Version++
			changed = true
		}
	}
	return changed
}

// maxAhead is by how much a recorded time may be ahead of now and be believed:
// processes on a store that has no clock of its own differ a little.
const maxAhead = time.Minute

// ahead reports whether t is further ahead of now than a clock that is right can
// have written it.
func ahead(t, now time.Time) bool { return t.Sub(now) > maxAhead }
