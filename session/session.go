package session

import (
	"net/netip"
	"time"

	"github.com/mooring-go/mooring/binding"
)

// Session is the record of one signed-in (or pending) browser or client. It is
// a value: changing one changes nothing in a store. All times are UTC.
type Session struct {
	ID     ID
	User   string // the host's ID of the user; never empty, at most MaxUser bytes
	Name   string // what the user is called, for display
	Method string // how the user was proved, for display: "password", "passkey"
	Stage  string // the name of the stage that signed the user in

	// Pending sessions wait for the answer to a challenge. They sign nobody in.
	Pending bool

	Created   time.Time  // when the user signed in
	LastSeen  time.Time  // when it was last used, as last recorded: up to a minute behind
	IP        netip.Addr // where from it was last used; the zero Addr: unknown
	UserAgent string     // of the sign-in

	Expires time.Time     // absolute limit: at this instant it is over
	Idle    time.Duration // how long it may go unused; 0: no such limit
	MaxAge  time.Duration // how long its carrier keeps the token; 0: until the browser closes

	Policy binding.Policy   // what binds it, as it was configured at the sign-in
	Anchor binding.Location // where it was made; it never changes

	KnownDevice bool // the user had signed in on this device before, and it was remembered

	Drift Drift // what became of the binding since
}

// Deadline is the instant at which s is over unless it is used before: the
// nearer of its absolute and its idle limit.
func (s Session) Deadline() time.Time {
	if s.Idle > 0 {
		if idle := s.LastSeen.Add(s.Idle); idle.Before(s.Expires) {
			return idle
		}
	}
	return s.Expires
}

// Overdue returns the limit that s has reached at now, [CauseExpired] or
// [CauseIdle], or "" if it has reached none. A limit is reached at its instant.
func (s Session) Overdue(now time.Time) Cause {
	switch {
	case !now.Before(s.Expires):
		return CauseExpired
	case !now.Before(s.Deadline()):
		return CauseIdle
	default:
		return ""
	}
}
