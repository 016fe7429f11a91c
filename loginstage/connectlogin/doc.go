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
// An interceptor is not told of TLS, of the host that a client named, or of the answer's
// later headers. Put a guard before handlers that set Cache-Control themselves.
//
// # What stays compatible
//
// The module has the version of the root module, and requires that version. A new major
// version of connect-go gets a package of its own.
package connectlogin
