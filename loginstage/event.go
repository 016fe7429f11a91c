package loginstage

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
)

// Sink is where events go. A sink cannot change a decision. A request waits for it 100
// ms at the most in all; less if other requests have waited lately, and not at all
// while the sink lags.
//
// Emit gets a context that outlives the request and ends after ten seconds. It gets one
// event at a time, in the order in which they happened in this process. If Emit takes
// longer than two seconds, other users' events go on beside it, and that user's wait
// for it. [UserLogin.Deliver] and the requests of a process call Emit independently. So
// a sink has to be safe for concurrent use.
//
// An event for which Emit returns an error or panics counts as lost. So does an event
// that comes while 1,024 are waiting (or 16,384, of sessions that one call has ended
// together): see [UserLogin.LostEvents]. A user with more than 64 waiting events loses
// them first. Where Deliver tells of endings, it tells them again instead.
//
// Package loginstage/sink has several sinks.
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
	ActionDeviceForgotten Action = "device_forgotten" // a remembered device was revoked, is one too many, or expired: see Config.DurableEvents
	ActionReport          Action = "binding_report"   // a binding does not hold, and the session goes on
	ActionStepUp          Action = "step_up"          // the session is restricted: a binding does not hold, or it was idle
	ActionConfirm         Action = "confirm"          // the user of a session was proved again
	ActionResume          Action = "resume"           // a session that was idle goes on, since one factor was proved
	ActionRenew           Action = "renew"            // a session goes on under another token
	ActionCompleted       Action = "completed"        // a required action was done
	ActionCredentials     Action = "credentials"      // a credential of the user changed
	ActionDeviceBound     Action = "device_bound"     // a session was bound to a device key
	ActionProved          Action = "binding_proved"   // a binding does not hold, and the device key was proved
	ActionUnproved        Action = "binding_unproved" // a device key was to be proved and was not: requests were denied, the session goes on
	ActionSettings        Action = "settings_changed" // the settings of the stage were changed in this process
)

// The causes of events that end no session; those that end one have the
// session's. Together they are all there are.
const (
	CauseSignedIn     session.Cause = "signed_in"     // the user proved who they are
	CauseNoUser       session.Cause = "no_user"       // denied: no user ID, or one that cannot be used
	CauseInactiveUser session.Cause = "inactive_user" // denied: the user is inactive
	CauseConfirmed    session.Cause = "confirmed"     // the user proved who they are again
	CauseCompleted    session.Cause = "completed"     // the user did what was required
	CauseKeyBound     session.Cause = "key_bound"     // the client registered a device key
	CauseNoProof      session.Cause = "no_proof"      // a request brought no proof of the device key, or an old one
	CauseApplied      session.Cause = "applied"       // the host applied other settings
)

// Event is something that happened to a session or a user: an audit event. It is a
// value, and what it points to is read-only. An event that [UserLogin.Deliver] told has
// what the JSON has: the names of a place in other languages, for instance, are
// missing.
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
	DeviceKey    *DeviceKeyInfo    `json:"device_key,omitempty"`   // of the events about device keys
	Completed    string            `json:"completed,omitempty"`    // of ActionCompleted: what was done
	Required     []string          `json:"required,omitempty"`     // of a login and of ActionCompleted: what is yet to be done
	Credential   string            `json:"credential,omitempty"`   // of ActionCredentials: which
	Settings     []SettingChange   `json:"settings,omitempty"`     // of ActionSettings: what changed
	LogoutReason string            `json:"logout_reason,omitempty"`
}

// Move is a change of address: from where the session was made to where it was
// used.
type Move struct {
	Previous netip.Addr `json:"previous"`
	New      netip.Addr `json:"new"`
}

// DeviceKeyInfo is what events say of a device key.
type DeviceKeyInfo struct {
	Kind       devicekey.Kind `json:"kind"`
	Thumbprint string         `json:"thumbprint"` // RFC 7638
}

// logoutReasons say to a reader of events why a session ended.
var logoutReasons = map[session.Cause]string{
	session.CauseSignedOut:   "Signed out",
	session.CauseExpired:     "Session expired",
	session.CauseIdle:        "Session idle for too long",
	session.CauseBroken:      "Session binding broken",
	session.CauseReplaced:    "Signed in again in the same browser",
	session.CauseTerminated:  "Signed in elsewhere",
	session.CauseMaxSessions: "Too many sessions",
	session.CauseRevoked:     "Session revoked",
	session.CauseNotCarried:  "Session could not be given to the client",

	session.CauseAccountDisabled:    "Account disabled",
	session.CauseCredentialsChanged: "Credentials changed",
}

// loginEvent returns the event of a sign-in, from here.
func (l *UserLogin) loginEvent(r *http.Request, s session.Session, here binding.Location) Event {
	event := l.event(ActionLogin, CauseSignedIn, eventID(ActionLogin, s.ID))
	event.about(s)
	event.Time, event.ClientIP, event.Actor = s.Created, s.IP, strings.Clone(actorOf(s))
	event.Context = l.contextOf(r, nil)
	event.Context.Required = s.Required
	event.Context.ASN, event.Context.Geo = here.ASN, here.Geo
	if l.config.RememberDevice > 0 {
		event.Context.KnownDevice = &s.KnownDevice
	}
	return event
}

// confirmEvent returns the event of a confirmation, from here.
func (l *UserLogin) confirmEvent(r *http.Request, s session.Session, here binding.Location) Event {
	event := l.loginEvent(r, s, here)
	event.ID, event.Time, event.Action, event.Cause = eventID(ActionConfirm, s.ID), s.LastSeen, ActionConfirm, CauseConfirmed
	return event
}

// completedEvent returns the event of a user who did what was required.
func (l *UserLogin) completedEvent(r *http.Request, s session.Session, action string) Event {
	event := l.event(ActionCompleted, CauseCompleted, eventID(ActionCompleted, s.ID, action))
	event.about(s)
	event.Time, event.Actor = l.sessions.Now(r.Context()), strings.Clone(actorOf(s))
	event.ClientIP, _ = l.clientIP(r)
	event.Context = l.contextOf(r, nil)
	event.Context.Completed, event.Context.Required = strings.Clone(action), s.Required
	return event
}

// deniedEvent returns the event of a user who was not signed in; moved, if not nil, is
// why.
func (l *UserLogin) deniedEvent(r *http.Request, cause session.Cause, user string, moved *verdict) Event {
	event := l.event(ActionLoginDenied, cause, rand.Text())
	event.Time = l.sessions.Now(r.Context())
	event.User = clipEncoded(user, maxUser) // from the request, mostly
	event.Actor = event.User
	event.ClientIP, _ = l.clientIP(r)
	event.Context = l.contextOf(r, moved)
	return event
}

// moveEvent returns the event of a session that goes on though its binding does not
// hold.
func (l *UserLogin) moveEvent(r *http.Request, action Action, s session.Session, moved verdict) Event {
	event := l.event(action, session.CauseBroken, eventID(action, s.ID, moveKey(moved.broken)))
	event.about(s)
	event.Time, event.ClientIP = l.sessions.Now(r.Context()), moved.broken.To.IP
	event.Context = l.contextOf(r, &moved)
	return event
}

// boundEvent tells that s was bound to its device key.
func (l *UserLogin) boundEvent(r *http.Request, s session.Session) Event {
	event := l.event(ActionDeviceBound, CauseKeyBound, eventID(ActionDeviceBound, s.ID))
	event.aboutKey(s)
	event.Time, event.Actor = l.sessions.Now(r.Context()), event.User
	event.ClientIP, _ = l.clientIP(r)
	event.Context.HTTPRequest = requestOf(r, l.config.EventArgs)
	return event
}

// provedEvent tells that the device key of s was proved where its binding does not
// hold.
func (l *UserLogin) provedEvent(r *http.Request, s session.Session, moved verdict) Event {
	event := l.moveEvent(r, ActionProved, s, moved)
	event.ID = eventID(ActionProved, s.ID, moved.move)
	event.aboutKey(s)
	return event
}

// unprovedEvent tells that a device key was not proved by a client at the address.
func (l *UserLogin) unprovedEvent(r *http.Request, e *proofError, ip netip.Addr) Event {
	cause, what := CauseNoProof, ip.String()
	var moved *verdict
	if e.broken != nil {
		cause, what = session.CauseBroken, e.move
		moved = &verdict{broken: e.broken}
	}
	event := l.event(ActionUnproved, cause, eventID(ActionUnproved, e.session.ID, what))
	event.Context = l.contextOf(r, moved)
	event.aboutKey(e.session)
	event.Time, event.ClientIP = l.sessions.Now(r.Context()), ip
	return event
}

// aboutKey makes e an event about the device key of s.
func (e *Event) aboutKey(s session.Session) {
	e.about(s)
	e.Context.DeviceKey = &DeviceKeyInfo{Kind: s.Drift.Key.Kind, Thumbprint: s.Drift.Key.Thumbprint()}
}

// endedEvent returns the event of an ending. It is false for the ending of a pending
// session, in which nobody was signed in, and of a device's record that another one
// replaced or that never reached the client.
func (l *UserLogin) endedEvent(ended session.Ended, context Context) (Event, bool) {
	s, ending := ended.Session, ended.Ending
	if s.Kind == session.KindCredentials {
		return l.credentialsEvent(ended)
	}
	action := ActionLogout
	switch {
	case s.Kind == session.KindSession && ending.Cause == session.CauseRenewed:
		action = ActionRenew
	case s.Kind == session.KindSession:
		context.LogoutReason = logoutReasons[ending.Cause]
	case s.Kind == session.KindDevice && ending.Cause != session.CauseReplaced && ending.Cause != session.CauseNotCarried:
		action = ActionDeviceForgotten
	default:
		return Event{}, false
	}
	event := l.event(action, ending.Cause, eventID(action, s.ID))
	event.about(s)
	event.Time, event.ClientIP, event.Actor, event.Context = ending.Time, ending.Client, ending.Actor, context
	return event, true
}

// event returns what every event has.
func (l *UserLogin) event(action Action, cause session.Cause, id string) Event {
	return Event{ID: id, Version: EventVersion, Action: action, Cause: cause, Stage: l.config.Name}
}

// about makes e an event about s. The user's ID can be a slice of a request.
func (e *Event) about(s session.Session) {
	e.User, e.Session, e.Stage = strings.Clone(s.User), s.ID, s.Stage
}

// contextOf returns the context of an event that came of r and moved. Either may be
// nil.
func (l *UserLogin) contextOf(r *http.Request, moved *verdict) Context {
	var c Context
	if r != nil {
		c.HTTPRequest = requestOf(r, l.config.EventArgs)
	}
	if moved != nil {
		broken := moved.broken
		c.ASN, c.Geo = broken.To.ASN, broken.To.Geo
		c.Binding = broken
		c.IP = &Move{Previous: broken.From.IP, New: broken.To.IP}
		c.Decision = moved.explained
	}
	return c
}

// eventID returns the ID of an action on a session, which happens once, or once for
// each what.
func eventID(action Action, id session.ID, what ...string) string {
	sum := sha256.Sum256([]byte("mooring event\x00" + string(action) + "\x00" + id.String() + strings.Join(what, "\x00")))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
