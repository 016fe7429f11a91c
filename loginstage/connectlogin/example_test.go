package connectlogin_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/connectlogin"
	"github.com/mooring-go/mooring/session"
)

func Example() {
	login, err := loginstage.New(loginstage.Config{Carrier: session.Bearer{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	const signIn, hello = "/shop.Accounts/SignIn", "/shop.Accounts/Hello"
	guard := connect.WithInterceptors(connectlogin.Guard{Login: login, Public: []string{signIn}})
	mux := http.NewServeMux() // generated code makes these handlers
	mux.Handle(signIn, connect.NewUnaryHandler(signIn, func(ctx context.Context, in *connect.Request[wrapperspb.StringValue]) (*connect.Response[emptypb.Empty], error) {
		// The host checks the password, and then:
		_, err := connectlogin.Begin(ctx, login, loginstage.User{ID: in.Msg.Value})
		return connect.NewResponse(&emptypb.Empty{}), err
	}, guard))
	mux.Handle(hello, connect.NewUnaryHandler(hello, func(ctx context.Context, _ *connect.Request[emptypb.Empty]) (*connect.Response[wrapperspb.StringValue], error) {
		s, _ := loginstage.Current(ctx)
		return connect.NewResponse(wrapperspb.String("Hello, " + s.User)), nil
	}, guard))
	server := httptest.NewTLSServer(mux)
	defer server.Close()

	ctx := context.Background()
	greeting := connect.NewClient[emptypb.Empty, wrapperspb.StringValue](server.Client(), server.URL+hello)
	_, err = greeting.CallUnary(ctx, connect.NewRequest(&emptypb.Empty{}))
	fmt.Println(err)

	signedIn, err := connect.NewClient[wrapperspb.StringValue, emptypb.Empty](server.Client(), server.URL+signIn).
		CallUnary(ctx, connect.NewRequest(wrapperspb.String("ada")))
	if err != nil {
		fmt.Println(err)
		return
	}
	request := connect.NewRequest(&emptypb.Empty{})
	request.Header().Set("Authorization", "Bearer "+signedIn.Header().Get(session.DefaultTokenHeader))
	answer, err := greeting.CallUnary(ctx, request)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(answer.Msg.Value)
	// Output:
	// unauthenticated: Sign in to use this.
	// Hello, ada
}
