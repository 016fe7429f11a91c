package grpclogin

import (
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/mooring-go/mooring/loginstage"
)

// ErrorDomain is the domain of the ErrorInfo in a [Status]. Its reason is the denial in
// capitals, such as "STEP_UP".
const ErrorDomain = "mooring-go.github.com"

// Status returns the status of a denied call: Unavailable, with RetryInfo, where nobody
// knows who calls, and otherwise Unauthenticated. The ErrorInfo among its details says
// which denial it is. It says nothing of what failed.
func Status(denied *loginstage.AccessError) *status.Status {
	info := &errdetails.ErrorInfo{Reason: strings.ToUpper(string(denied.Denial)), Domain: ErrorDomain}
	text, code := "Sign in to use this.", codes.Unauthenticated
	switch denied.Denial {
	case loginstage.DenialUnavailable:
		text, code = "Whether you are signed in could not be checked. Try again.", codes.Unavailable
	case loginstage.DenialProve:
		text = "Prove this device's key to use this."
	case loginstage.DenialRequired:
		text = "Do what is required of you first."
	case loginstage.DenialStepUp, loginstage.DenialStale, loginstage.DenialACR:
		text = "Prove again who you are to use this."
	case loginstage.DenialBroken:
		text = "The session was used from elsewhere and has ended. Sign in again."
	}
	said := status.New(code, text)
	var detailed *status.Status
	var err error
	if code == codes.Unavailable {
		detailed, err = said.WithDetails(info, &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)})
	} else {
		detailed, err = said.WithDetails(info)
	}
	if err != nil {
		return said // the code and the text say enough
	}
	return detailed
}
