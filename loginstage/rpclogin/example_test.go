package rpclogin_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/rpclogin"
)

// The middleware of a framework without a module of its own.
func Example() {
	login, err := loginstage.New(loginstage.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	public := rpclogin.Methods{"/shop.v1.Catalogue/"}
	serve := func(ctx context.Context, method string, header http.Header) string {
		ctx, err := login.Authenticate(ctx, loginstage.Call{Path: method, RemoteAddr: "192.0.2.1:50000", Header: header})
		denied, isDenied := errors.AsType[*loginstage.AccessError](err)
		if isDenied && !(public.Has(method) && rpclogin.ServesAnonymous(denied.Denial)) {
			status := rpclogin.StatusOf(denied)
			return fmt.Sprintf("%d %s: %s", status.Code, status.Reason, status.Message)
		}
		_, signedIn := loginstage.Current(ctx)
		return fmt.Sprintf("served, signed in: %t", signedIn)
	}
	fmt.Println(serve(context.Background(), "/shop.v1.Catalogue/List", nil))
	fmt.Println(serve(context.Background(), "/shop.v1.Orders/List", nil))
	// Output:
	// served, signed in: false
	// 16 SIGN_IN: Sign in to use this.
}
