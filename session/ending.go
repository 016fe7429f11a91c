package session

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"github.com/mooring-go/mooring/binding"
)

// Cause says why a session ended. The constants below are all there are.
type Cause string

// The causes of an ending.
const (
	CauseSignedOut   Cause = "signed_out"       // the user signed out
	CauseExpired     Cause = "expired"          // its absolute limit was reached
	CauseIdle        Cause = "idle"             // it was not used for too long
	CauseBroken      Cause = "binding_broken"   // it was used from where its binding does not hold
	CauseReplaced    Cause = "replaced"         // the same browser signed in again
	CauseRenewed     Cause = "renewed"          // it goes on under another token
	CauseAnswered    Cause = "answered"         // pending: its challenge was answered
	CauseTerminated  Cause = "terminated"       // another sign-in ended the user's other sessions
	CauseMaxSessions Cause = "max_sessions"     // it was the oldest over the maximum
	CauseRevoked     Cause = "revoked"          // the host or the user ended it from elsewhere
	CauseNotCarried  Cause = "carrier_rejected" // its token could not be given to the client

	CauseAccountDisabled    Cause = "account_disabled"    // the host disabled or deleted the user's account
	CauseCredentialsChanged Cause = "credentials_changed" // the user's password or another credential changed
)

// Ending is why, when and by whom a session was ended. It is kept with the
// session for a while.
type Ending struct {
	Cause  Cause
	Time   time.Time      // UTC
	Actor  string         // who ended it: a user ID, or a name of the host's; empty: the system
	Reason binding.Reason // which fact no longer held, where the cause is CauseBroken
	Client netip.Addr     // where the request that ended it came from; the zero Addr: none or unknown

	// Detail is what an event about the ending needs besides, as the caller who ended
	// the session encoded it; nil: nothing, or the event was told without. Stores keep it
	// as it is. It holds no secret.
	Detail json.RawMessage

	// Keep is when a store may forget the session and its ending.
	Keep time.Time

	// Journal asks a store that is a Journal to keep the ending for delivery.
	Journal bool

	later string // as for a Session
}

// Ended is a session that ended, and how.
type Ended struct {
	Session Session
	Ending  Ending
}

// EndedError is returned for a session that has ended, while its ending is kept.
type EndedError struct{ Ended }

// Error says why and when the session ended.
func (e *EndedError) Error() string {
	return fmt.Sprintf("session: ended at %s: %s", e.Ending.Time.Format(time.RFC3339Nano), e.Ending.Cause)
}
