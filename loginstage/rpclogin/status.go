package rpclogin

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

// A Code is a status code of gRPC, by its number in google.rpc.Code. The constants below
// are those that a denied call gets.
type Code uint32

// The codes.
const (
	PermissionDenied Code = 7  // the session is restricted: another token is no remedy
	Unavailable      Code = 14 // nobody knows who calls
	Unauthenticated  Code = 16 // any other denial
)

const (
	// Domain is the domain of the google.rpc.ErrorInfo in a status.
	Domain = "mooring-go.github.com"
	// RetryDelay is what the google.rpc.RetryInfo in a status that is Unavailable says.
	RetryDelay = time.Second
)

// A Status is how a denied call is answered. It is a value, and says nothing of what
// failed.
type Status struct {
	Code    Code
	Message string // for the user, in English

	// Reason is the reason of the ErrorInfo: the denial in capitals, such as "STEP_UP".
	Reason string

	// Metadata is the metadata of the ErrorInfo: what there is to do. "required" has the
	// actions of [loginstage.DenialRequired] as an array in JSON, "max_age" the seconds of
	// DenialStale, "acr_values" the values of DenialACR, with spaces between them, "cause"
	// why the session has ended, of DenialBroken and of a stream, and "www-authenticate" why
	// a DPoP proof does not do (RFC 9449, section 7.1). It has no empty values.
	Metadata map[string]string

	// Header has the rest of what the client needs to prove the key of its session, as
	// [loginstage.AccessError.Challenge] says, such as DPoP-Nonce. It can be sent as a
	// trailer.
	Header http.Header
}

// StatusOf returns how a call with the denial is answered.
func StatusOf(denied *loginstage.AccessError) Status {
	s := Status{Code: Unauthenticated, Message: "Sign in to use this.", Metadata: map[string]string{}}
	switch denied.Denial {
	case loginstage.DenialUnavailable:
		s.Code, s.Message = Unavailable, "Whether you are signed in could not be checked. Try again."
	case loginstage.DenialProve:
		s.Message = "Prove this client's key to use this: send a proof of it for this call, with the latest nonce or challenge."
	case loginstage.DenialRequired:
		s.Code, s.Message = PermissionDenied, "There is something to do before you can use this."
		if required, err := json.Marshal(denied.Session.Required); err == nil {
			s.Metadata["required"] = string(required)
		}
	case loginstage.DenialStepUp:
		s.Code, s.Message = PermissionDenied, "Prove again who you are to use this."
	case loginstage.DenialStale:
		s.Message = "Prove again who you are to use this: it was too long ago."
		s.Metadata["max_age"] = strconv.FormatInt(int64(denied.MaxAge/time.Second), 10)
	case loginstage.DenialACR:
		s.Message = "Prove who you are in a stronger way to use this."
		s.Metadata["acr_values"] = strings.Join(denied.ACR, " ")
	case loginstage.DenialBroken:
		s.Message = "The session was used from elsewhere and has ended. Sign in again."
		s.Metadata["cause"] = string(denied.Ending.Cause)
	}
	s.Header = denied.Challenge()
	s.Metadata["www-authenticate"] = s.Header.Get("WWW-Authenticate")
	s.Header.Del("WWW-Authenticate") // which no trailer may be (RFC 9110, section 6.5.1)
	return s.of(denied.Denial)
}

// EndStatusOf returns how a stream ends whose session did, or was restricted. It is
// StatusOf with the cause of the ending: the client has proved to be the session's.
func EndStatusOf(denied *loginstage.AccessError) Status {
	if denied.Denial != loginstage.DenialSignIn {
		return StatusOf(denied)
	}
	s := Status{
		Code: Unauthenticated, Message: "The session has ended. Sign in again.",
		Metadata: map[string]string{"cause": string(denied.Ending.Cause)},
	}
	switch denied.Ending.Cause {
	case session.CauseRenewed, session.CauseReplaced:
		s.Message = "The session has another token now. Call again with that."
	}
	return s.of(denied.Denial)
}

// of returns the status with the reason of the denial, and without what says nothing.
func (s Status) of(denial loginstage.Denial) Status {
	s.Reason = strings.ToUpper(string(denial))
	maps.DeleteFunc(s.Metadata, func(_, value string) bool { return value == "" })
	return s
}
