package connectlogin

import (
	"context"
	"errors"
	"net/http"

	"connectrpc.com/connect"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/rpclogin"
)

// A Guard is a [connect.Interceptor] that holds the calls of a server to what package
// loginstage asks of a request, in the same order. [loginstage.Current] returns the
// session in the context of a handler. A method that is neither Public nor Restricted is
// for signed-in users alone. A stream ends with the session that it was opened in.
//
// The guard is safe for concurrent use while nobody changes it. With a nil Login it
// denies every call. It leaves the calls of a client as they are.
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
	// session has ended or is restricted. A nil error counts as that of [Error]. nil:
	// Error.
	Deny func(ctx context.Context, denied *loginstage.AccessError) error
}

var _ connect.Interceptor = Guard{}

// WrapUnary guards unary calls.
func (g Guard) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		if request.Spec().IsClient {
			return next(ctx, request)
		}
		answer, header := http.Header{}, http.Header{}
		if info, ok := connect.CallInfoForHandlerContext(ctx); ok {
			answer = info.ResponseHeader()
			if request.HTTPMethod() == http.MethodGet { // no cache keeps what a POST is answered
				header = answer
			}
		}
		header.Add("Vary", "Cookie, Authorization")
		ctx, err := g.admit(ctx, call(request.Spec(), request.Peer(), request.HTTPMethod(), request.Header()), answer)
		if err != nil {
			header.Set("Cache-Control", "no-store")
			return nil, err
		}
		header.Set("Cache-Control", "private, no-cache")
		return next(ctx, request)
	}
}

// WrapStreamingClient returns next.
func (g Guard) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// call returns what is known of a call.
func call(spec connect.Spec, peer connect.Peer, method string, header http.Header) loginstage.Call {
	return loginstage.Call{Path: spec.Procedure, Method: method, Header: header, RemoteAddr: peer.Addr}
}

// admit returns the context of a call with its session, or the error that a denied call
// ends with. It sets the next nonce on the header of the answer, unless a guard outside
// has done so.
func (g Guard) admit(ctx context.Context, call loginstage.Call, answer http.Header) (context.Context, error) {
	if g.Login == nil {
		return nil, connect.NewError(connect.CodeInternal, errors.New("connectlogin: the guard has no Login"))
	}
	told := g.Login.DPoPNonce(ctx) != ""
	call.AllowRestricted = rpclogin.Methods(g.Restricted).Has(call.Path)
	ctx, err := g.Login.Authenticate(ctx, call)
	if err == nil {
		if nonce := g.Login.DPoPNonce(ctx); nonce != "" && !told {
			answer.Set("DPoP-Nonce", nonce)
		}
		return ctx, nil
	}
	denied, ok := errors.AsType[*loginstage.AccessError](err)
	if !ok {
		return nil, connect.NewError(connect.CodeInternal, errors.New("connectlogin: the session could not be checked"))
	}
	if rpclogin.Methods(g.Public).Has(call.Path) && rpclogin.ServesAnonymous(denied.Denial) {
		return ctx, nil
	}
	return nil, g.deny(ctx, denied, Error(denied))
}

// deny returns what a call ends with: what the host says or, otherwise, the error.
func (g Guard) deny(ctx context.Context, denied *loginstage.AccessError, otherwise *connect.Error) error {
	if g.Deny != nil {
		if err := g.Deny(ctx, denied); err != nil {
			return err
		}
	}
	return otherwise
}
