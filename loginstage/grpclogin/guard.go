package grpclogin

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/rpclogin"
)

// A Guard holds the calls of a gRPC server to what package loginstage asks of a
// request, in the same order. [loginstage.Current] returns the session in the context of
// a handler. A method that is neither Public nor Restricted is for signed-in users
// alone. A stream ends with the session that it was opened in.
//
// The guard is safe for concurrent use while nobody changes it. With a nil Login it
// denies every call.
type Guard struct {
	Login *loginstage.UserLogin

	// Public names the methods that anybody may call, as "/package.Service/Method", or
	// all of a service, as "/package.Service/". There Current returns the session of a
	// caller who is signed in. A call is denied there too where a binding is broken or
	// nobody knows: see [loginstage.UserLogin.Guard].
	Public []string

	// Restricted names the methods, likewise, that the user of a restricted session may
	// call, to confirm it or to sign out. Current returns such a session there.
	Restricted []string

	// StreamsUse says that an open stream counts as use of its session, as
	// [loginstage.UserLogin.LiveInUse] has it. false: IdleTimeout ends the session of a
	// stream that no other call uses, and the stream with it.
	StreamsUse bool

	// Deny, if set, returns the error that a denied call ends with, and a stream whose
	// session has ended or is restricted. A nil error counts as the [Status]. nil: Status.
	Deny func(ctx context.Context, denied *loginstage.AccessError) error
}

// Unary is a [grpc.UnaryServerInterceptor].
func (g Guard) Unary(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	ctx, err := g.admit(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	return handler(ctx, request)
}

// admit returns the context of a call with its session, or the error that a denied call
// ends with.
func (g Guard) admit(ctx context.Context, method string) (context.Context, error) {
	if g.Login == nil {
		return nil, status.Error(codes.Internal, "grpclogin: the guard has no Login")
	}
	call := callOf(ctx, method)
	call.AllowRestricted = rpclogin.Methods(g.Restricted).Has(method)
	ctx, err := g.Login.Authenticate(ctx, call)
	if err == nil {
		if nonce := g.Login.DPoPNonce(ctx); nonce != "" {
			_ = grpc.SetHeader(ctx, metadata.Pairs("dpop-nonce", nonce)) // without it the next call is denied, and told
		}
		return ctx, nil
	}
	denied, ok := errors.AsType[*loginstage.AccessError](err)
	if !ok {
		return nil, status.Error(codes.Internal, "grpclogin: the session could not be checked")
	}
	if rpclogin.Methods(g.Public).Has(method) && rpclogin.ServesAnonymous(denied.Denial) {
		return ctx, nil
	}
	challenge := metadata.MD{}
	for name, values := range denied.Challenge() {
		if name != "Www-Authenticate" { // which no trailer may be (RFC 9110, section 6.5.1): the status has it
			challenge.Append(name, values...)
		}
	}
	_ = grpc.SetTrailer(ctx, challenge) // it fails outside of gRPC's server alone
	return nil, g.deny(ctx, denied, Status(denied))
}

// deny returns what a call ends with: what the host says or, otherwise, the status.
func (g Guard) deny(ctx context.Context, denied *loginstage.AccessError, otherwise *status.Status) error {
	if g.Deny != nil {
		if err := g.Deny(ctx, denied); err != nil {
			return err
		}
	}
	return otherwise.Err()
}
