package connectlogin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"connectrpc.com/connect"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/rpclogin"
	"github.com/mooring-go/mooring/session"
)

// ErrNotUnary is returned by [Do] and what is built on it outside of the handler of a
// unary method. Nothing was done.
var ErrNotUnary = errors.New("connectlogin: the context is not of the handler of a unary method: the header of a stream may have been sent, and can carry no token")

// Begin is [loginstage.UserLogin.Begin] for the caller of the unary method whose handler
// has ctx.
func Begin(ctx context.Context, login *loginstage.UserLogin, user loginstage.User) (challenge *loginstage.Challenge, err error) {
	err = Do(ctx, func(w http.ResponseWriter, r *http.Request) error {
		challenge, err = login.Begin(w, r, user)
		return err
	})
	return challenge, err
}

// Finish is [loginstage.UserLogin.Finish] for the caller.
func Finish(ctx context.Context, login *loginstage.UserLogin, answer loginstage.Answer) error {
	return Do(ctx, func(w http.ResponseWriter, r *http.Request) error { return login.Finish(w, r, answer) })
}

// Confirm is [loginstage.UserLogin.Confirm] for the caller.
func Confirm(ctx context.Context, login *loginstage.UserLogin, user loginstage.User) error {
	return Do(ctx, func(w http.ResponseWriter, r *http.Request) error { return login.Confirm(w, r, user) })
}

// Reauthenticate is [loginstage.UserLogin.Reauthenticate] for the caller.
func Reauthenticate(ctx context.Context, login *loginstage.UserLogin, user loginstage.User) (s session.Session, err error) {
	err = Do(ctx, func(w http.ResponseWriter, r *http.Request) error {
		s, err = login.Reauthenticate(w, r, user)
		return err
	})
	return s, err
}

// Complete is [loginstage.UserLogin.Complete] for the caller.
func Complete(ctx context.Context, login *loginstage.UserLogin, action string) error {
	return Do(ctx, func(w http.ResponseWriter, r *http.Request) error { return login.Complete(w, r, action) })
}

// RequireFresh is [loginstage.UserLogin.RequireFresh] for a handler behind a [Guard]: it
// returns nil where the caller's user has proved who they are at most age ago, and
// otherwise the [Error] for the handler to return. An age of 0 or less is
// never met.
func RequireFresh(ctx context.Context, login *loginstage.UserLogin, age time.Duration) error {
	if age <= 0 {
		age = -1
	}
	return require(ctx, login, loginstage.Call{MaxAge: age})
}

// RequireACR is [loginstage.UserLogin.RequireACR] likewise. Without acr it is never met.
func RequireACR(ctx context.Context, login *loginstage.UserLogin, acr ...string) error {
	return require(ctx, login, loginstage.Call{ACR: append([]string{}, acr...)})
}

// require returns nil if the caller's session is all that call asks for.
func require(ctx context.Context, login *loginstage.UserLogin, call loginstage.Call) error {
	_, err := login.Authenticate(ctx, call)
	if denied, ok := errors.AsType[*loginstage.AccessError](err); ok {
		return Error(denied)
	}
	return err
}

// Logout is [loginstage.UserLogin.Logout] for the caller.
func Logout(ctx context.Context, login *loginstage.UserLogin) error { return Do(ctx, login.Logout) }

// Do calls step with the call of ctx, as a request of net/http, and a writer whose header
// is the header of the answer, and returns what step returns: for all that takes these
// and has no function here. What step writes as a body goes nowhere, and is an error.
func Do(ctx context.Context, step func(w http.ResponseWriter, r *http.Request) error) error {
	info, ok := connect.CallInfoForHandlerContext(ctx)
	if !ok || info.Spec().StreamType != connect.StreamTypeUnary {
		return ErrNotUnary
	}
	of := call(info.Spec(), info.Peer(), info.HTTPMethod(), info.RequestHeader())
	return step(rpclogin.HeaderWriter(info.ResponseHeader()), of.Request(ctx))
}
