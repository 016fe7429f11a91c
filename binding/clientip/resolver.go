package clientip

import (
	"net/http"
	"net/netip"
)

// A Resolver finds the address of the client that made a request. It is safe
// for concurrent use, leaves the request as it is, and returns an address as
// [github.com/mooring-go/mooring/binding.Normalize] does, or an error where the
// address is not known.
type Resolver interface {
	ClientIP(r *http.Request) (netip.Addr, error)
}

// A Validator is a [Resolver] that can tell beforehand that it was set up
// wrongly and would fail on every request.
type Validator interface {
	Validate() error
}

// ResolverFunc makes a Resolver of a function.
type ResolverFunc func(r *http.Request) (netip.Addr, error)

// ClientIP calls f(r).
func (f ResolverFunc) ClientIP(r *http.Request) (netip.Addr, error) { return f(r) }

// RemoteAddr is the Resolver for a server that clients connect to directly: the
// address in [http.Request.RemoteAddr]. It looks at no header. An address that
// is not an IP address, as on a Unix socket, is an [*AddressError].
type RemoteAddr struct{}

// ClientIP returns the address of the peer.
func (RemoteAddr) ClientIP(r *http.Request) (netip.Addr, error) {
	ip, problem := parseNode(r.RemoteAddr, PortsByHeader)
	if problem != "" {
		if isUnixPeer(r) {
			problem = isUnixSocket
		}
		return netip.Addr{}, newAddressError("RemoteAddr", r.RemoteAddr, problem)
	}
	return ip, nil
}
