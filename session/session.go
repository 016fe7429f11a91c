package session

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"

	"github.com/mooring-go/mooring/binding"
)

// Session is the record of one signed-in browser or client, or of what its Kind
// says. It is a value: changing one changes nothing in a store. All times are UTC.
type Session struct {
	ID     ID
	Kind   Kind
	User   string // the host's ID of the user; never empty, at most MaxUser bytes
	Name   string // what the user is called, for display
	Method string // how the user was proved, for display: "password", "passkey"
	Stage  string // the name of the stage that signed the user in

	// Carrier names the place where the client has the token: see [Named]. Empty: unknown.
	Carrier string

	Created   time.Time  // when the user signed in
	LastSeen  time.Time  // when it was last used, as last recorded: up to a minute behind
	IP        netip.Addr // where from it was last used; the zero Addr: unknown
	UserAgent string     // of the sign-in
	Device    string     // what the device is called, for display: "Firefox on Linux"; empty: nobody knows

	Expires time.Time     // absolute limit: at this instant it is over
	Idle    time.Duration // how long it may go unused; 0: no such limit
	Resume  time.Duration // for how long after Idle it is restricted, and can be resumed; 0: it is over
	MaxAge  time.Duration // how long its carrier keeps the token; 0: until the browser closes

	Policy binding.Policy   // what binds it, as it was configured at the sign-in
	Anchor binding.Location // where it was made; it never changes

	KnownDevice  bool // the user had signed in on this device before, and it was remembered
	StaySignedIn bool // the user chose to stay signed in (remember me)

	// AuthTime is when the user last proved who they are: at the sign-in or, since
	// then, by re-authentication. The zero time: when the session was Created.
	AuthTime time.Time

	AMR    []string // how the user was proved: RFC 8176's names, such as "pwd" and "otp"; read-only
	ACR    string   // how well: "aal1" to "aal3" (NIST SP 800-63B), or a name of the host's
	Actor  string   // who acts as the user (impersonation); empty: the user
	Tenant string   // for whom the user acts; empty: the host has no tenants

	// Required names what the user has yet to do before the session may do
	// everything, such as "enrol-mfa"; none: nothing. It is read-only.
	Required []string

	// Value is the host's: JSON of at most [MaxValue] bytes, or nil. See [ValueOf].
	// It is read-only.
	Value []byte

	// Version is how often Required, Value, Device and Drift have changed, by
	// [Store.Update] or [Store.Touch]. What goes by it loses no such change.
	Version uint64

	Drift Drift // what became of the binding since

	// Lineage is the ID of the session that this one goes on from, by one renewal
	// or several: the one that the sign-in started. Of a remembered device it is that of
	// the first record by which the device was known. The zero ID: itself.
	Lineage ID

	// TellExpiry, if above 0, has a store that sweeps the session keep its ending
	// for delivery, for so long: see [Journal]. 0: a session that reaches a limit
	// unused is forgotten without a word.
	TellExpiry time.Duration

	// later is the record that the session was read from if a later release wrote
	// it, with what this one does not know; "" otherwise.
	later string
}

// The range of the times in a session: what 64 bits of nanoseconds can say.
var (
	firstTime = time.Unix(0, math.MinInt64).UTC()
	lastTime  = time.Unix(0, math.MaxInt64).UTC()
)

// Validate returns every reason, joined, why no store can keep s: each is
// [ErrInvalid]. A session needs a user of 1 to [MaxUser] bytes, an ID of a token
// for that user, and a Created, a LastSeen and an Expires from 1678 to 2262.
// The limits of what the host adds are [MaxAMR], [MaxText], [MaxRequired] and [MaxValue].
func (s Session) Validate() error {
	var mistakes []error
	refuse := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...))
	}
	if s.User == "" || len(s.User) > MaxUser {
		refuse("User of %d bytes, want 1 to %d", len(s.User), MaxUser)
	}
	if s.ID.IsZero() || s.ID.Shard() != Shard(s.User) {
		refuse("ID %q is not of a token for user %.80q", s.ID, s.User)
	}
	for _, t := range []struct {
		field string
		value time.Time
	}{{"Created", s.Created}, {"LastSeen", s.LastSeen}, {"Expires", s.Expires}} {
		if t.value.IsZero() || t.value.Before(firstTime) || t.value.After(lastTime) {
			refuse("%s %s, want a time from 1678 to 2262", t.field, t.value.Format(time.RFC3339))
		}
	}
	for _, d := range []struct {
		field string
		value time.Duration
	}{{"Idle", s.Idle}, {"Resume", s.Resume}, {"MaxAge", s.MaxAge}, {"TellExpiry", s.TellExpiry}} {
		if d.value < 0 {
			refuse("%s %s, want 0 or above", d.field, d.value)
		}
	}
	if s.Resume > 0 && s.Idle == 0 {
		refuse("Resume %s without an Idle, want 0", s.Resume)
	}
	checkText("Device", s.Device, refuse)
	checkText("Carrier", s.Carrier, refuse)
	s.checkProof(refuse)
	checkRequired(s.Required, refuse)
	checkValue(s.Value, refuse)
	return errors.Join(mistakes...)
}

// Deadline returns the instant at which s is over unless it is used before: the
// nearer of its absolute and its idle limit, the latter with Resume.
func (s Session) Deadline() time.Time { return s.limit(s.LastSeen, s.maxUnused()) }

// IdleAt returns the instant from which s may do nothing unless it is used before: the
// nearer of its absolute and its idle limit. Without a Resume that is its Deadline, and
// with one it is restricted from then on, as [RestrictedIdle] says.
func (s Session) IdleAt() time.Time { return s.limit(s.LastSeen, s.Idle) }

// MaxUnused returns how long s may go unused before it is over: Idle and Resume. 0: any
// time.
func (s Session) MaxUnused() time.Duration { return s.maxUnused() }

func (s *Session) maxUnused() time.Duration {
	if s.Idle <= 0 || s.Resume <= 0 {
		return s.Idle
	}
	if s.Resume > math.MaxInt64-s.Idle {
		return math.MaxInt64
	}
	return s.Idle + s.Resume
}

// limit returns the nearer of the absolute limit of s, and of unused after the time at
// which it was used.
func (s *Session) limit(used time.Time, unused time.Duration) time.Time {
	if unused > 0 {
		if idle := used.Add(unused); idle.Before(s.Expires) {
			return idle
		}
	}
	return s.Expires
}

// Overdue returns the limit that s has reached at now, so that it is over, [CauseExpired]
// or [CauseIdle], or "" if it has reached none. A limit is reached at its instant.
func (s Session) Overdue(now time.Time) Cause { return s.overdue(s.LastSeen, now) }

// overdue is Overdue for a session that was last used at the time.
func (s *Session) overdue(used, now time.Time) Cause {
	switch {
	case !now.Before(s.Expires):
		return CauseExpired
	case !now.Before(s.limit(used, s.maxUnused())):
		return CauseIdle
	default:
		return ""
	}
}
