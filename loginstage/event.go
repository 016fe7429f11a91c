package loginstage

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"strings"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
)

// Sink is where events go. Sinks observe, they do not decide: whatever one
// does, no request is decided otherwise, or waits for it beyond a tenth of a
// second, or at all while it has fallen behind. Emit is called for one event at
// a time, in the order in which they happened in this process, with a context
// that outlives the request and ends after ten seconds. An error counts the
// event as lost, see [UserLogin.LostEvents]. Package loginstage/sink has several.
type Sink interface {
	Emit(ctx context.Context, e Event) error
}

// EventVersion is the version of the form that events have.
const EventVersion = 1

// Action says what happened. The constants below are all there are.
type Action string

// The actions. Processes that meet one move at once may each tell ActionReport or
// ActionStepUp of it; the same move has the same ID.
const (
	ActionLogin           Action = "login"            // a user was signed in
	ActionLogout          Action = "logout"           // a session ended
	ActionLoginDenied     Action = "login_denied"     // a user was not signed in
	ActionDeviceForgotten Action = "device_forgotten" // a remembered device was revoked
	ActionReport          Action = "binding_report"   // a binding does not hold, and the session goes on
	ActionStepUp          Action = "step_up"          // a binding does not hold, and the session is restricted
	ActionConfirm         Action = "confirm"          // a session was confirmed
)

// The causes of events that end no session; those that end one have the
// session's. Together they are all there are.
const (
	CauseSignedIn     session.Cause = "signed_in"     // the user proved who they are
	CauseNoUser       session.Cause = "no_user"       // denied: no user ID, or one that cannot be used
	CauseInactiveUser session.Cause = "inactive_user" // denied: the user is inactive
	CauseConfirmed    session.Cause = "confirmed"     // the user proved who they are again
)

// Event is something that happened to a session or a user. It is a value, and
// what it points to is read-only. What its JSON leaves out, such as the names of a
// place in other languages, is missing where [UserLogin.Deliver] told it.
type Event struct {
	ID       string        `json:"id"`      // unique; the same however often it is delivered
	Version  int           `json:"version"` // EventVersion
	Time     time.Time     `json:"time"`    // UTC
	Action   Action        `json:"action"`
	Cause    session.Cause `json:"cause"`
	User     string        `json:"user"`      // the host's ID
	Session  session.ID    `json:"session"`   // never the token; "" where there is none
	Stage    string        `json:"stage"`     // Config.Name
	ClientIP netip.Addr    `json:"client_ip"` // of the request that it came of; "" where there is none
	Actor    string        `json:"actor"`     // whose doing it was: a user ID or a name of the host's; "": the system's
	Context  Context       `json:"context"`
}

// Context is what an event is about. Parts that do not apply are left out. For
// a binding that is broken it has ASN and Geo of the new address, where they are
// known, Binding, IP, HTTPRequest and LogoutReason.
type Context struct {
	ASN          *binding.ASN      `json:"asn,omitempty"`
	Geo          *binding.Geo      `json:"geo,omitempty"`
	Binding      *binding.Broken   `json:"binding,omitempty"`
	IP           *Move             `json:"ip,omitempty"`
	HTTPRequest  *Request          `json:"http_request,omitempty"`
	Decision     *binding.Decision `json:"decision,omitempty"`     // where Config.ExplainEvents asks for it
	KnownDevice  *bool             `json:"known_device,omitempty"` // of a login, where devices are remembered
	LogoutReason string            `json:"logout_reason,omitempty"`
}

// Move is a change of address: from where the session was made to where it was
// used.
type Move struct {
	Previous netip.Addr `json:"previous"`
	New      netip.Addr `json:"new"`
}

// logoutReasons say to a reader of events why a session ended.
var logoutReasons = map[session.Cause]string{
	session.CauseSignedOut:   "Signed out",
	session.CauseExpired:     "Session expired",
	session.CauseIdle:        "Session idle for too long",
	session.CauseBroken:      "Session binding broken",
	session.CauseReplaced:    "Signed in again in the same browser",
	session.CauseRenewed:     "Session confirmed",
	session.CauseTerminated:  "Signed in elsewhere",
	session.CauseMaxSessions: "Too many sessions",
	session.CauseRevoked:     "Session revoked",
	session.CauseNotCarried:  "Session could not be given to the client",
}

// eventID is the ID of what happened to a session, which happens to it once, or
// once for each of what.
func eventID(action Action, id session.ID, what ...string) string {
	sum := sha256.Sum256([]byte("mooring event\x00" + string(action) + "\x00" + id.String() + strings.Join(what, "\x00")))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
