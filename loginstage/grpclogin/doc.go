// Package grpclogin is the session interceptor of package loginstage for gRPC:
//
//	login, err := loginstage.New(loginstage.Config{Carrier: session.Bearer{}})
//	guard := grpclogin.Guard{Login: login, Public: []string{"/shop.Accounts/SignIn", "/grpc.health.v1.Health/"}}
//	server := grpc.NewServer(
//		grpc.Creds(credentials.NewTLS(config)),
//		grpc.ChainUnaryInterceptor(guard.Unary),
//		grpc.ChainStreamInterceptor(guard.Stream),
//	)
//
// A handler finds the session by [loginstage.Current], and one that signs a user in
// calls [Begin]:
//
//	func (s *accounts) SignIn(ctx context.Context, in *SignInRequest) (*SignInReply, error) {
//		// … check the password …
//		_, err := grpclogin.Begin(ctx, s.login, loginstage.User{ID: user})
//		return &SignInReply{}, err
//	}
//
// With [session.Bearer] the client gets the token in the metadata "mooring-token" of the
// answer's header, and sends it back as "authorization: Bearer …". Cookies work too, for
// gateways that pass them on.
//
// What a guard of net/http reads from a request is read from the call: metadata as the
// header, the peer's address, the authority and the TLS state. Behind a proxy that tells
// the client's address in metadata, [loginstage.Config.ClientIP] names it, as for HTTP.
//
// A stream is checked when it is opened.
//
// # What stays compatible
//
// The module has the version of the root module, and requires that version. A new major
// version of grpc-go gets a package of its own.
package grpclogin
