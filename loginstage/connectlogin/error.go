package connectlogin

import (
	"errors"
	"maps"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/rpclogin"
	"github.com/mooring-go/mooring/session/devicekey"
)

// ErrorDomain is the domain of the ErrorInfo in an [Error]. Its reason is the denial in
// capitals, such as "STEP_UP".
const ErrorDomain = rpclogin.Domain

// Error returns the error of a denied call: CodeUnavailable, with RetryInfo, where nobody
// knows who calls; CodePermissionDenied where the session is restricted, for which
// another token is no remedy; and otherwise CodeUnauthenticated. The ErrorInfo among its
// details says which denial it is, and in its metadata what there is to do, as
// [rpclogin.Status] lists it. The Meta has the rest of what the client needs
// to prove the key of its session, as [loginstage.AccessError.Challenge] says, such as
// DPoP-Nonce. The error says nothing of what failed.
func Error(denied *loginstage.AccessError) *connect.Error {
	return errorOf(rpclogin.StatusOf(denied))
}

// errorOf returns the error with its details and Meta.
func errorOf(of rpclogin.Status) *connect.Error {
	details := []proto.Message{
		&errdetails.ErrorInfo{Reason: of.Reason, Domain: rpclogin.Domain, Metadata: of.Metadata},
	}
	if of.Code == rpclogin.Unavailable {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(rpclogin.RetryDelay)})
	}
	failed := connect.NewError(connect.Code(of.Code), errors.New(of.Message))
	for _, message := range details {
		if detail, err := connect.NewErrorDetail(message); err == nil { // the code and the text say enough
			failed.AddDetail(detail)
		}
	}
	maps.Copy(failed.Meta(), of.Header)
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
