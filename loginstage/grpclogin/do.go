package grpclogin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/rpclogin"
	"github.com/mooring-go/mooring/session"
)

// Begin is [loginstage.UserLogin.Begin] for the caller of the method whose handler has
// ctx.
func Begin(ctx context.Context, login *loginstage.UserLogin, user loginstage.User) (challenge *loginstage.Challenge, err error) {
	err = Do(ctx, func(w http.ResponseWriter, r *http.Request) error {
		challenge, err = login.Begin(w, r, user)
		return err
	})
	if err != nil {
		return nil, err
	}
	return challenge, nil
}

// Finish is [loginstage.UserLogin.Finish] for the caller. The challenge of a caller is
// in a cookie: it is for clients that keep cookies.
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
// otherwise the error of a [Status] for the handler to return. An age of 0 or less is
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
		return Status(denied).Err()
	}
	return err
}

// Logout is [loginstage.UserLogin.Logout] for the caller.
func Logout(ctx context.Context, login *loginstage.UserLogin) error { return Do(ctx, login.Logout) }

// Do calls step with the call of ctx, as a request of net/http, and a writer whose header
// becomes the header of the answer, and returns what step returns: for all that takes
// these and has no function here. What step writes as a body goes nowhere, and is an
// error. Where the header has been sent the error is [loginstage.ErrResponseBegun], and
// step is not called. A handler that takes several steps answers with the headers of
// all: of a name that is there several times, the last counts.
func Do(ctx context.Context, step func(w http.ResponseWriter, r *http.Request) error) error {
	method, ok := grpc.Method(ctx)
	if !ok {
		return fmt.Errorf("grpclogin: the context is of no gRPC method's handler")
	}
	// This is what a step that sets a token says of the answer, and it finds out whether
	// the header can still be set.
	if err := grpc.SetHeader(ctx, metadata.Pairs("cache-control", "no-store")); err != nil {
		return fmt.Errorf("%w: %w", loginstage.ErrResponseBegun, err)
	}
	w := rpclogin.HeaderWriter{}
	if err := step(w, callOf(ctx, method).Request(ctx)); err != nil {
		return err
	}
	md := metadata.MD{}
	for name, values := range w {
		if name != "Cache-Control" {
			md.Append(name, values...)
		}
	}
	if err := grpc.SetHeader(ctx, md); err != nil {
		return fmt.Errorf("grpclogin: the answer's header could not be set: %w", err)
	}
	return nil
}
