// Package clientip finds out which IP address a request comes from.
//
// Without a proxy that is the address of the peer, [RemoteAddr]. Behind reverse
// proxies the peer is a proxy, and the client's address is in a header, which
// the client can write to as well. [TrustedProxies] therefore believes one
// header, only from the proxies that the host names, and reads it from the
// right, where the nearest proxy wrote.
//
// An address that cannot be made out for certain is an error and never a guess:
// it decides whether a session goes on.
package clientip
