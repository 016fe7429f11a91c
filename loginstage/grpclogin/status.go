package grpclogin

import (
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

// ErrorDomain is the domain of the ErrorInfo in a [Status]. Its reason is the denial in
// capitals, such as "STEP_UP".
const ErrorDomain = "mooring-go.github.com"

// Status returns the status of a denied call: Unavailable, with RetryInfo, where nobody
// knows who calls; PermissionDenied where the session is restricted, for which another
// token is no remedy; and otherwise Unauthenticated. The ErrorInfo among its details
// says which denial it is, and in its metadata what there is to do: "required" has the
// actions of [loginstage.DenialRequired] as an array in JSON, "max_age" the seconds of
// DenialStale, "acr_values" the values of DenialACR, with spaces between them, "cause" why
// the session has ended, of DenialBroken, and "www-authenticate" why a DPoP proof does not
// do (RFC 9449, section 7.1). The status says nothing of what failed.
func Status(denied *loginstage.AccessError) *status.Status {
	text, code := "Sign in to use this.", codes.Unauthenticated
	extra := map[string]string{}
	switch denied.Denial {
	case loginstage.DenialUnavailable:
		text, code = "Whether you are signed in could not be checked. Try again.", codes.Unavailable
	case loginstage.DenialProve:
		text = "Prove this client's key to use this: send a proof of it for this call, with the latest nonce (DPoP)."
	case loginstage.DenialRequired:
		text, code = "There is something to do before you can use this.", codes.PermissionDenied
		if required, err := json.Marshal(denied.Session.Required); err == nil {
			extra["required"] = string(required)
		}
	case loginstage.DenialStepUp:
		text, code = "Prove again who you are to use this.", codes.PermissionDenied
	case loginstage.DenialStale:
		text = "Prove again who you are to use this: it was too long ago."
		extra["max_age"] = strconv.FormatInt(int64(denied.MaxAge/time.Second), 10)
	case loginstage.DenialACR:
		text = "Prove who you are in a stronger way to use this."
		extra["acr_values"] = strings.Join(denied.ACR, " ")
	case loginstage.DenialBroken:
		text = "The session was used from elsewhere and has ended. Sign in again."
		extra["cause"] = string(denied.Ending.Cause)
	}
	extra["www-authenticate"] = denied.Challenge().Get("WWW-Authenticate")
	return detailed(code, text, denied.Denial, extra)
}

// endStatus returns the status of a stream that ends with its session. It is the Status
// of the denial, with the cause: the client has proved to be the session's.
func endStatus(denied *loginstage.AccessError) *status.Status {
	if denied.Denial != loginstage.DenialSignIn {
		return Status(denied)
	}
	text := "The session has ended. Sign in again."
	switch denied.Ending.Cause {
	case session.CauseRenewed, session.CauseReplaced:
		text = "The session has another token now. Call again with that."
	}
	return detailed(codes.Unauthenticated, text, denied.Denial, map[string]string{"cause": string(denied.Ending.Cause)})
}

// detailed returns a status with the denial among its details. An extra that says nothing
// is left out.
func detailed(code codes.Code, text string, denial loginstage.Denial, extra map[string]string) *status.Status {
	maps.DeleteFunc(extra, func(_, value string) bool { return value == "" })
	details := []protoadapt.MessageV1{
		&errdetails.ErrorInfo{Reason: strings.ToUpper(string(denial)), Domain: ErrorDomain, Metadata: extra},
	}
	if code == codes.Unavailable {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)})
	}
	said := status.New(code, text)
	if with, err := said.WithDetails(details...); err == nil { // the code and the text say enough
		return with
	}
	return said
}
