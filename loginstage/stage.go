package loginstage

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/mooring-go/mooring/duration"
)

// Stage is one step of an authentication flow: it may ask the client something,
// and takes the answer. [UserLogin] is the last step of a flow. A host writes
// others, such as a one-time password or the terms of use, and runs them in a row:
// it calls Begin, shows the challenge, calls Finish with the answer, and goes on to
// the next stage when Finish returns nil.
//
// A stage that serves all clients, as UserLogin does, is safe for concurrent use
// and finds out from the request which client it talks to. A stage that needs to
// know the pending user in Finish, or that finds out who the user is, is made for
// one flow and holds a pointer to that flow's user; the flow calls one method of
// it at a time.
type Stage interface {
	// Begin runs the stage for the pending user. A nil challenge means that the
	// stage is done, and for a login stage that the user is signed in. Otherwise
	// the host shows the challenge and calls Finish with the answer. The user has
	// no ID before a stage has asked who they are.
	Begin(w http.ResponseWriter, r *http.Request, user User) (*Challenge, error)

	// Finish takes the answer to the challenge that Begin gave the same client. A
	// [*RejectedError] means that the answer is wrong and the client may answer the
	// same challenge again. A stage that keeps its challenges itself, as UserLogin
	// does, takes one answer to each: another one is [ErrNoChallenge].
	Finish(w http.ResponseWriter, r *http.Request, answer Answer) error
}

// User is the pending user: proved by the host, not signed in yet.
type User struct {
	ID       string // the host's ID; never empty, at most 255 bytes of UTF-8 without control characters
	Name     string // what the user is called, for display
	Method   string // how the user was proved, for display: "password", "passkey"
	Inactive bool   // true denies the sign-in

	// AuthTime is when the user proved who they are, if that was before now, as an
	// identity provider says in auth_time. The zero time, or one ahead of now: now.
	AuthTime time.Time

	AMR []string // how the user was proved: RFC 8176's names, such as "pwd" and "otp"
	ACR string   // how well: ACRAAL1 to ACRAAL3, or a name of the host's

	// Actor is who acts as the user (impersonation): the ID of another user. Such a
	// session ends no other, does not outlive ImpersonationLimit, and cannot be
	// confirmed. Whether the actor may is for the host to decide, before. Empty: the
	// user.
	Actor string

	Tenant string // for whom the user acts; empty: the host has no tenants

	// Required names what the user has yet to do, such as "enrol-mfa": until
	// [UserLogin.Complete] was called for each the session is restricted.
	Required []string

	// Value is what the host keeps in the session, as JSON of at most
	// [session.MaxValue] bytes; handlers read it by [session.ValueOf]. nil: nothing.
	Value any
}

// Challenge is what a [Stage] asks. Its JSON is for a sign-in API to pass on as it
// is; what is not set is left out. A challenge of [UserLogin] asks whether the user
// wants to stay signed in, and sets all fields but Question.
type Challenge struct {
	Component string            `json:"component"`          // what asks: ComponentStaySignedIn, or a name of the host's
	Stage     string            `json:"stage,omitempty"`    // Config.Name
	User      string            `json:"user,omitempty"`     // the pending user's ID
	Name      string            `json:"name,omitempty"`     // the pending user's name
	Offset    duration.Duration `json:"offset,omitzero"`    // how much longer the session lives if the user stays signed in
	Expires   time.Time         `json:"expires,omitzero"`   // when it is too late to answer
	Question  any               `json:"question,omitempty"` // what a stage of the host's asks besides; anything that JSON can hold
}

// ComponentStaySignedIn is the [Challenge.Component] of a [UserLogin].
const ComponentStaySignedIn = "stay_signed_in"

// Answer is what the client says to a [Challenge]. The zero value means no.
type Answer struct {
	// StaySignedIn is the answer to a UserLogin.
	StaySignedIn bool `json:"stay_signed_in"`

	// Raw, if set, is the whole answer as the client sent it, JSON of any shape. A
	// UserLogin reads stay_signed_in from it, and not the field above.
	Raw json.RawMessage `json:"-"`
}

// Decode reads Raw into v, as [json.Unmarshal] does. An answer without Raw, or one
// that does not fit v, is a [*RejectedError].
func (a Answer) Decode(v any) error {
	if err := json.Unmarshal(a.Raw, v); err != nil {
		return &RejectedError{Reason: "the answer cannot be read", Err: err}
	}
	return nil
}

// staysSignedIn returns the answer to a UserLogin, or a [*RejectedError].
func (a Answer) staysSignedIn() (bool, error) {
	if a.Raw == nil {
		return a.StaySignedIn, nil
	}
	var read struct {
		StaySignedIn bool `json:"stay_signed_in"`
	}
	err := a.Decode(&read)
	return read.StaySignedIn, err
}

// A RejectedError reports an answer that a [Stage] does not take. The client may
// answer the same challenge again; how often is for the host to limit.
type RejectedError struct {
	Reason string // for the client to read: it gives nothing away
	Err    error  // what went wrong, for the log; may be nil
}

// Error says why the answer was not taken.
func (e *RejectedError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("loginstage: answer rejected: %s: %v", e.Reason, e.Err)
	}
	return "loginstage: answer rejected: " + e.Reason
}

// Unwrap returns Err.
func (e *RejectedError) Unwrap() error { return e.Err }
