// Package rpclogin is what the session middleware of RPC frameworks has in common. The
// modules grpclogin and connectlogin are built on it, and so can be the adapter of another
// framework whose status codes are those of gRPC.
//
// # Denied calls
//
// [StatusOf] says how a call that [loginstage.UserLogin.Authenticate] denies is answered,
// and [EndStatusOf] how a stream is that ends with its session.
//
// # Streams
//
// A [Stream] is one that ends with the session of its caller. What the framework's stream
// sends and receives goes by [Stream.Ended] and [Stream.Receive].
//
// # Tokens
//
// A [HeaderWriter] takes the headers of a step that sets a token, such as
// [loginstage.UserLogin.Begin], where there is no writer of net/http.
//
// # What stays compatible
//
// Codes, reasons and keys of the metadata keep their meaning, and others may come with any
// release: a client treats what it does not know by the code. Messages may change.
package rpclogin
