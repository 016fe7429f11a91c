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
//
// # Behind what
//
//	nothing                               RemoteAddr{}
//	a proxy with an address               TrustedProxies("X-Forwarded-For", prefixes...)
//	nginx or HAProxy at a Unix socket     Proxies{Header: "X-Forwarded-For", UnixSocket: true}.Resolver()
//	Cloudflare                            TrustedProxies("CF-Connecting-IP", prefixes...)
//	CloudFront                            TrustedProxies("CloudFront-Viewer-Address", prefixes...)
//	a balancer with the PROXY protocol    RemoteAddr{}
//
// The PROXY protocol carries the client's address before the request, and not in a
// header. A listener that understands it, such as that of
// github.com/pires/go-proxyproto, puts the address into [http.Request.RemoteAddr].
// It must accept the protocol from the balancer alone (its Policy), for everybody else
// could claim any address with it.
//
// # Before you go live
//
// Send the header yourself, from outside, with an address
// that is not yours: the sign-in's event must have your address. Then look in the log
// for an AddressError.
//
// # What stays compatible
//
// [Resolver] has one method and gets no other. A later release may refuse what this
// one takes for an address only where taking it lets a client choose its address.
package clientip
