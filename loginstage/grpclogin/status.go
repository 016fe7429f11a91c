package grpclogin

import (
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/rpclogin"
)

// ErrorDomain is the domain of the ErrorInfo in a [Status]. Its reason is the denial in
// capitals, such as "STEP_UP".
const ErrorDomain = rpclogin.Domain

// Status returns the status of a denied call: Unavailable, with RetryInfo, where nobody
// knows who calls; PermissionDenied where the session is restricted, for which another
// token is no remedy; and otherwise Unauthenticated. The ErrorInfo among its details
// says which denial it is, and in its metadata what there is to do, as
// [rpclogin.Status] lists it. The status says nothing of what failed.
func Status(denied *loginstage.AccessError) *status.Status {
	return statusOf(rpclogin.StatusOf(denied))
}

// statusOf returns the status with its details.
func statusOf(of rpclogin.Status) *status.Status {
	details := []protoadapt.MessageV1{
		&errdetails.ErrorInfo{Reason: of.Reason, Domain: rpclogin.Domain, Metadata: of.Metadata},
	}
	if of.Code == rpclogin.Unavailable {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(rpclogin.RetryDelay)})
	}
	said := status.New(codes.Code(of.Code), of.Message)
	if with, err := said.WithDetails(details...); err == nil { // the code and the text say enough
		return with
	}
	return said
}
