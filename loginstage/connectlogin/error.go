package connectlogin

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/mooring-go/mooring/loginstage"
)

// ErrorDomain is the domain of the ErrorInfo in an [Error]. Its reason is the denial in
// capitals, such as "STEP_UP".
const ErrorDomain = "mooring-go.github.com"

// Error returns the error of a denied call: CodeUnavailable, with RetryInfo, where nobody
// knows who calls, and otherwise CodeUnauthenticated. The ErrorInfo among its details
// says which denial it is. It says nothing of what failed.
func Error(denied *loginstage.AccessError) *connect.Error {
	text, code := "Sign in to use this.", connect.CodeUnauthenticated
	details := []proto.Message{&errdetails.ErrorInfo{Reason: strings.ToUpper(string(denied.Denial)), Domain: ErrorDomain}}
	switch denied.Denial {
	case loginstage.DenialUnavailable:
		text, code = "Whether you are signed in could not be checked. Try again.", connect.CodeUnavailable
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)})
	case loginstage.DenialProve:
		text = "Prove this device's key to use this."
	case loginstage.DenialRequired:
		text = "Do what is required of you first."
	case loginstage.DenialStepUp, loginstage.DenialStale, loginstage.DenialACR:
		text = "Prove again who you are to use this."
	case loginstage.DenialBroken:
		text = "The session was used from elsewhere and has ended. Sign in again."
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
// [connect.WithRequireConnectProtocolHeader].
func Deny(options ...connect.HandlerOption) func(http.ResponseWriter, *http.Request, *loginstage.AccessError) {
	errorWriter := connect.NewErrorWriter(options...)
	return func(w http.ResponseWriter, r *http.Request, denied *loginstage.AccessError) {
		if !errorWriter.IsSupported(r) || isOtherGet(r) {
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
