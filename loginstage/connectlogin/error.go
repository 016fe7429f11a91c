package connectlogin

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
)

// ErrorDomain is the domain of the ErrorInfo in an [Error]. Its reason is the denial in
// capitals, such as "STEP_UP".
const ErrorDomain = "mooring-go.github.com"

// Error returns the error of a denied call: CodeUnavailable, with RetryInfo, where nobody
// knows who calls; CodePermissionDenied where the session is restricted, for which
// another token is no remedy; and otherwise CodeUnauthenticated. The ErrorInfo among its
// details says which denial it is, and in its metadata what there is to do: "required"
// has the actions of [loginstage.DenialRequired] as an array in JSON, "max_age" the
// seconds of DenialStale, "acr_values" the values of DenialACR, with spaces between them,
// "cause" why the session has ended, of DenialBroken, and "www-authenticate" why a DPoP
// proof does not do (RFC 9449, section 7.1). The Meta has the rest of what the client needs
// to prove the key of its session, as [loginstage.AccessError.Challenge] says, such as
// DPoP-Nonce. The error says nothing of what failed.
func Error(denied *loginstage.AccessError) *connect.Error {
	text, code := "Sign in to use this.", connect.CodeUnauthenticated
	extra := map[string]string{}
	switch denied.Denial {
	case loginstage.DenialUnavailable:
		text, code = "Whether you are signed in could not be checked. Try again.", connect.CodeUnavailable
	case loginstage.DenialProve:
		text = "Prove this client's key to use this: send a proof of it for this call, with the latest nonce or challenge."
	case loginstage.DenialRequired:
		text, code = "There is something to do before you can use this.", connect.CodePermissionDenied
		if required, err := json.Marshal(denied.Session.Required); err == nil {
			extra["required"] = string(required)
		}
	case loginstage.DenialStepUp:
		text, code = "Prove again who you are to use this.", connect.CodePermissionDenied
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
	challenge := denied.Challenge()
	extra["www-authenticate"] = challenge.Get("WWW-Authenticate") // which no trailer may be (RFC 9110, section 6.5.1)
	challenge.Del("WWW-Authenticate")
	failed := detailed(code, text, denied.Denial, extra)
	maps.Copy(failed.Meta(), challenge)
	return failed
}

// endError returns the error of a stream that ends with its session. It is the Error of
// the denial, with the cause: the client has proved to be the session's.
func endError(denied *loginstage.AccessError) *connect.Error {
	if denied.Denial != loginstage.DenialSignIn {
		return Error(denied)
	}
	text := "The session has ended. Sign in again."
	switch denied.Ending.Cause {
	case session.CauseRenewed, session.CauseReplaced:
		text = "The session has another token now. Call again with that."
	}
	return detailed(connect.CodeUnauthenticated, text, denied.Denial, map[string]string{"cause": string(denied.Ending.Cause)})
}

// detailed returns an error with the denial among its details. An extra that says nothing
// is left out.
func detailed(code connect.Code, text string, denial loginstage.Denial, extra map[string]string) *connect.Error {
	maps.DeleteFunc(extra, func(_, value string) bool { return value == "" })
	details := []proto.Message{
		&errdetails.ErrorInfo{Reason: strings.ToUpper(string(denial)), Domain: ErrorDomain, Metadata: extra},
	}
	if code == connect.CodeUnavailable {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)})
	}
	failed := connect.NewError(code, errors.New(text))
	for _, message := range details {
		if detail, err := connect.NewErrorDetail(message); err == nil { // the code and the text say enough
			failed.AddDetail(detail)
		}
	}
	return failed
}

// Deny returns a [loginstage.Config.Deny] that answers the clients of Connect, gRPC and
// gRPC-Web in their protocol, with [Error], and others as without a Deny. The options are
// those of the handlers. A POST of JSON counts as Connect's, unless the options have
// [connect.WithRequireConnectProtocolHeader]. A browser that has to prove the key of
// Device Bound Session Credentials is answered as without a Deny, with a redirect, by
// which it proves the key and repeats the call.
func Deny(options ...connect.HandlerOption) func(http.ResponseWriter, *http.Request, *loginstage.AccessError) {
	errorWriter := connect.NewErrorWriter(options...)
	return func(w http.ResponseWriter, r *http.Request, denied *loginstage.AccessError) {
		redirects := denied.Denial == loginstage.DenialProve && denied.Session.Drift.Key.Kind == devicekey.DBSC
		if redirects || !errorWriter.IsSupported(r) || isOtherGet(r) {
			denied.Respond(w, r)
			return
		}
		_ = errorWriter.Write(w, r, Error(denied)) // the client may be gone
	}
}

// isOtherGet reports whether r is a GET without what Connect needs: its protocol has the
// encoding in the query.
func isOtherGet(r *http.Request) bool {
	return r.Method == http.MethodGet && !r.URL.Query().Has("encoding")
}
