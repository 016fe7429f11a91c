package loginstage

import (
	"net/http"
	"time"

	"github.com/mooring-go/mooring/duration"
)

// Stage is one step of an authentication flow, run by the host once the user is
// known. [UserLogin] is one. Implementations are safe for concurrent use.
type Stage interface {
	// Begin runs the stage for a user who has proved who they are. A nil
	// challenge means that the stage is done, and for a login stage that the
	// user is signed in. Otherwise the host shows the challenge and calls Finish
	// with the answer.
	Begin(w http.ResponseWriter, r *http.Request, user User) (*Challenge, error)

	// Finish answers the challenge that Begin gave the same client. It does so
	// once: an answer that is given again is ErrNoChallenge.
	Finish(w http.ResponseWriter, r *http.Request, answer Answer) error
}

// User is the pending user: proved by the host, not signed in yet.
type User struct {
	ID       string // the host's ID; never empty, at most 255 bytes of UTF-8 without control characters
	Name     string // what the user is called, for display
	Method   string // how the user was proved, for display: "password", "passkey"
	Inactive bool   // true denies the sign-in
}

// Challenge asks the user whether they want to stay signed in. Its JSON is for
// a sign-in API to pass on as it is.
type Challenge struct {
	Component string            `json:"component"` // always ComponentStaySignedIn
	Stage     string            `json:"stage"`     // Config.Name
	User      string            `json:"user"`
	Name      string            `json:"name,omitempty"`
	Offset    duration.Duration `json:"offset"`  // how much longer the session lives if they do
	Expires   time.Time         `json:"expires"` // when it is too late to answer
}

// ComponentStaySignedIn is the [Challenge.Component] of a [UserLogin].
const ComponentStaySignedIn = "stay_signed_in"

// Answer is what the user says to a [Challenge]. The zero value means no.
type Answer struct {
	StaySignedIn bool `json:"stay_signed_in"`
}
