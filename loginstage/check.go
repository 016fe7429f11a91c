package loginstage

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
)

// Check is [UserLogin.Require] without the middleware, for a host that decides itself
// what to do with a request. It returns the session that the request was sent in, or an
// [*AccessError], which can answer the request, and no other error. Behind a guard of
// the stage it returns what the guard found. On the header of w it sets Vary and,
// unless there is one, Cache-Control, as a guard does. The proof of a DPoP key is used
// up by it: outside a guard, call it once for a request.
func (l *UserLogin) Check(w http.ResponseWriter, r *http.Request) (session.Session, error) {
	l = l.in(r.Context())
	var s session.Session
	var err error
	g := l.foundIn(r.Context())
	if g != nil {
		s, err = g.current(), g.err
	} else {
		err = l.admit(r, &s)
	}
	response := response{ResponseWriter: w, login: l, personal: !s.ID.IsZero()}
	response.complete()
	l.renewNonce(w, r, &s)
	if g != nil && g.admitted {
		return s, nil
	}
	if denial := denialOf(&s, err); denial != "" {
		return session.Session{}, l.accessError(denial, s, err)
	}
	return s, nil
}

// A Denial is why a request is denied. The constants below are all that there are
// in this release; a later one may have more.
type Denial string

// The denials.
const (
	DenialSignIn      Denial = "sign_in"     // nobody is signed in
	DenialStepUp      Denial = "step_up"     // the session is restricted until it is confirmed or, where it was idle, resumed
	DenialBroken      Denial = "broken"      // the session's binding does not hold, and it has ended
	DenialProve       Denial = "prove"       // the session's device key is to be proved first
	DenialRequired    Denial = "required"    // the session is restricted until its required actions are done
	DenialStale       Denial = "stale"       // the user proved who they are too long ago, for RequireFresh
	DenialACR         Denial = "acr"         // the user was not proved well enough, for RequireACR
	DenialUnavailable Denial = "unavailable" // nobody knows: the store, the locator or the carrier failed, or the client's address is unknown
)

// An AccessError says why a request is denied. It is not safe for concurrent use.
type AccessError struct {
	Denial Denial

	// Session is the one that the request was sent in: restricted for DenialStepUp and
	// DenialRequired, live for DenialProve, DenialStale and DenialACR,
	// ended for DenialBroken and, while its ending is kept, for DenialSignIn. The
	// zero Session: there is none.
	Session session.Session

	// Ending is how the session ended; its Cause is empty if it has not.
	Ending session.Ending

	// Broken is what no longer holds, for DenialProve. nil: the last proof of the device
	// key is over, or the request brings none.
	Broken *binding.Broken

	// Err is what failed, for DenialUnavailable; nil otherwise.
	Err error

	MaxAge time.Duration // how long ago the user may have been proved, for DenialStale
	ACR    []string      // how well the user has to be proved, for DenialACR: one of them

	proof *proofError // for DenialProve
	login *UserLogin  // whose LoginURL and StepUpURL Respond uses; nil: none
}

// Error says why the request is denied.
func (e *AccessError) Error() string {
	switch {
	case e.Err != nil:
		return fmt.Sprintf("loginstage: denied: %s: %v", e.Denial, e.Err)
	case e.Denial == DenialBroken && e.Ending.Reason != "":
		return fmt.Sprintf("loginstage: denied: %s: %s", e.Denial, e.Ending.Reason)
	case e.Ending.Cause != "":
		return fmt.Sprintf("loginstage: denied: %s: the session has ended: %s", e.Denial, e.Ending.Cause)
	default:
		return fmt.Sprintf("loginstage: denied: %s", e.Denial)
	}
}

// Unwrap returns Err.
func (e *AccessError) Unwrap() error { return e.Err }

// denialOf returns the denial of a request for which admit has returned s and err,
// and "" if there is none.
func denialOf(s *session.Session, err error) Denial {
	switch {
	case err == nil && s.Drift.Restricted != "":
		return DenialStepUp
	case err == nil && len(s.Required) > 0:
		return DenialRequired
	case err == nil:
		return ""
	case isEnded(err):
		return DenialSignIn
	}
	if _, broken := errors.AsType[*brokenError](err); broken {
		return DenialBroken
	}
	if proof, ok := errors.AsType[*proofError](err); ok {
		if proof.gaveUp {
			return DenialSignIn
		}
		return DenialProve
	}
	return DenialUnavailable
}

// accessError returns the denial with what is known of it.
func (l *UserLogin) accessError(denial Denial, s session.Session, err error) *AccessError {
	denied := &AccessError{Denial: denial, Session: s, login: l}
	switch denial {
	case DenialBroken:
		if broken, ok := errors.AsType[*brokenError](err); ok {
			denied.Session, denied.Ending = broken.ended.Session, broken.ended.Ending
		}
	case DenialSignIn:
		if ended, ok := errors.AsType[*session.EndedError](err); ok {
			denied.Session, denied.Ending = ended.Session, ended.Ending
		}
	case DenialProve:
		if proof, ok := errors.AsType[*proofError](err); ok {
			denied.proof, denied.Session, denied.Broken = proof, proof.session, proof.broken
		}
	case DenialUnavailable:
		denied.Err = err
	}
	return denied
}
