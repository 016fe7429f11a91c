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
//		if _, err := grpclogin.Begin(ctx, s.login, loginstage.User{ID: user}); err != nil {
//			slog.ErrorContext(ctx, "signing in", "error", err) // not for clients: it says what failed
//			return nil, status.Error(codes.Unavailable, "try again in a moment")
//		}
//		return &SignInReply{}, nil
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
// # Streams
//
// A stream is checked when it is opened, and ends when its session ends, in whichever
// process, is restricted or reaches a limit: see [Guard.Stream]. The host runs
// [loginstage.UserLogin.Watch] for as long as it serves:
//
//	go func() { errs <- login.Watch(ctx) }()
//
// # Keys (DPoP)
//
// Where [loginstage.Config.DeviceKey] is not off, a client that sends a proof of its key
// in the metadata "dpop" (RFC 9449) binds its session to that. The proof is of the method
// POST and of the URL that [loginstage.Config.Origin] and the method's name make, such as
// "https://api.example.com/shop.Orders/List". Each answer has the nonce of the next proof
// in the metadata "dpop-nonce" of its header. A call that is denied, since its nonce is
// too old or it has none, has it in the trailer: the client makes a new proof and calls
// again. A stream proves the key when it is opened.
//
// # What a denial says
//
// [Status] says what there is to do. Unauthenticated asks for a token or a proof.
// PermissionDenied says that the session is restricted and its token is good: the user has
// to be confirmed ([Confirm]) or to do what is required ([Complete]), by the methods that
// [Guard.Restricted] names.
//
// # What stays compatible
//
// The module has the version of the root module, and requires that version. A new major
// version of grpc-go gets a package of its own.
package grpclogin
