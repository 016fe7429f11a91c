// Package connectlogin has package loginstage speak to clients of Connect, gRPC and
// gRPC-Web, for servers written with connect-go. There are two ways.
//
// A Connect handler is an [net/http.Handler], so the guards of [loginstage.UserLogin]
// can stand before it. They decide before a message is read. [Deny] has them answer in
// the protocol of the client:
//
//	login, err := loginstage.New(loginstage.Config{Deny: connectlogin.Deny()})
//	mux.Handle("/shop.Orders/", login.Require(orders))
//	mux.Handle("/shop.Accounts/", login.Guard(accounts))
//
// Where some methods of a service are for anybody, there is an interceptor, [Guard]. It
// decides once a message of a unary call has been read:
//
//	guard := connectlogin.Guard{Login: login, Public: []string{"/shop.Accounts/SignIn"}}
//	path, handler := shopconnect.NewAccountsHandler(accounts, connect.WithInterceptors(guard))
//
// Both can stand together: the interceptor believes what a guard has found out. In a
// handler [loginstage.Current] returns the session, and one that signs a user in calls
// [Begin].
//
// # Streams
//
// With the interceptor a stream ends when its session ends, in whichever process, is
// restricted or reaches a limit: see [Guard.WrapStreamingHandler]. A guard of net/http
// checks a stream when it is opened and no later; hosts of streams have the interceptor
// too. The host runs [loginstage.UserLogin.Watch] for as long as it serves:
//
//	go func() { errs <- login.Watch(ctx) }()
//
// Over HTTP/1.1 the client of a stream of requests is told once it has said everything:
// net/http reads that before it answers. The handler ends at once.
//
// # Keys (DPoP)
//
// Where [loginstage.Config.DeviceKey] is not off, a client that sends a proof of its key
// in the header DPoP (RFC 9449) binds its session to that. The proof is of the method of
// HTTP and of the URL that [loginstage.Config.Origin] and the procedure make, such as
// "https://api.example.com/shop.Orders/List". Each answer has the nonce of the next proof
// in its header DPoP-Nonce. A call that is denied, since its nonce is too old or it has
// none, has it in the metadata of the error: the client makes a new proof and calls
// again. A stream proves the key when it is opened.
//
// # What a denial says
//
// [Error] says what there is to do. CodeUnauthenticated asks for a token or a proof.
// CodePermissionDenied says that the session is restricted and its token is good: the
// user has to be confirmed ([Confirm]) or to do what is required ([Complete]), by the
// methods that [Guard.Restricted] names.
//
// # What an interceptor does not know
//
// An interceptor is not told of TLS, of the host that a client named, or of the answer's
// later headers. Put a guard before handlers that set Cache-Control themselves.
//
// # What stays compatible
//
// The module has the version of the root module, and requires that version. A new major
// version of connect-go gets a package of its own.
package connectlogin
