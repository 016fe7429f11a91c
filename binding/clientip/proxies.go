package clientip

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ErrMisconfigured is what every error of a [Validator] in this package wraps.
var ErrMisconfigured = errors.New("clientip: trusted proxies")

// maxEntries is how many entries of a header are looked at; no honest chain of
// proxies is as long.
const maxEntries = 64

// Proxies says which reverse proxies may name the client, and in which header. Its
// zero value names none, and its Resolver fails.
type Proxies struct {
	// Header is the one header that is believed. Forwarded is read as RFC 7239 has
	// it. Any other (X-Forwarded-For, X-Real-IP, CF-Connecting-IP) is read as a list,
	// separated by commas, of "ip", "ip:port", "[ipv6]" or "[ipv6]:port".
	Header string

	// Trusted are the networks of the proxies. They should hold proxies and no
	// clients, for a client inside is passed over too.
	Trusted []netip.Prefix

	// UnixSocket trusts each peer that connects through a Unix domain socket, which
	// has no address. The permissions of the socket must keep everybody but the
	// proxy out.
	UnixSocket bool

	// Ports says how to read an IPv6 address without brackets, whose last group may
	// be a port.
	Ports Ports
}

// Ports says how an IPv6 address is read that stands without brackets: 2001:db8::9:80
// may be an address, or 2001:db8::9 and a port. The zero value is [PortsByHeader].
type Ports uint8

// The ways to read an IPv6 address without brackets.
const (
	// PortsByHeader goes by the header: CloudFront-Viewer-Address always has a port,
	// and CF-Connecting-IP, CF-Connecting-IPv6, True-Client-IP, Fastly-Client-IP and
	// Fly-Client-IP never have one, as their makers document. In any other header an
	// address that may end in a port is unknown, which is an error.
	PortsByHeader Ports = iota
	// PortsNever is for proxies that write no port after an address without brackets.
	// That is what nginx ($proxy_add_x_forwarded_for), Apache, HAProxy, Envoy, Caddy,
	// Traefik and AWS load balancers do in X-Forwarded-For, unless a configuration
	// adds a port.
	PortsNever
	// PortsAlways is for proxies that write a port after each address.
	PortsAlways
)

// portsOf is what the makers of headers document.
var portsOf = map[string]Ports{
	"Cloudfront-Viewer-Address": PortsAlways,
	"Cf-Connecting-Ip":          PortsNever,
	"Cf-Connecting-Ipv6":        PortsNever,
	"True-Client-Ip":            PortsNever,
	"Fastly-Client-Ip":          PortsNever,
	"Fly-Client-Ip":             PortsNever,
}

// TrustedProxies returns the Resolver for a server behind reverse proxies:
// those with an address in trusted may name the client in header, and nobody
// else may. It is short for [Proxies], which has more to choose.
func TrustedProxies(header string, trusted ...netip.Prefix) Resolver {
	return Proxies{Header: header, Trusted: trusted}.Resolver()
}

// Resolver returns the Resolver for a server behind the proxies.
//
// A peer that is not trusted is the client itself, whatever it sends. Otherwise the
// header is read from the right, over all its lines, past the addresses that
// are trusted, to the first that is not: that is the client. Where all are
// trusted it is the leftmost. The client is unknown, an [*AddressError], where a
// trusted peer sends no such header, where an entry is no address or may be one of
// two, and at the sixty-fifth entry. So what a proxy asks for on its own account, such
// as a health check, belongs on a path that is not guarded.
//
// Each trusted proxy must append to the header, or replace it; the nearest one
// that only passes it on lets clients choose their address.
//
// The Resolver is a [Validator]. With a header that is not a header name, nobody who
// is trusted, or a prefix that is invalid or holds every address, it fails on every
// request.
func (c Proxies) Resolver() Resolver {
	p := &proxies{header: http.CanonicalHeaderKey(c.Header), prior: priorInList, unixSocket: c.UnixSocket, ports: c.Ports}
	if p.header == "Forwarded" {
		p.prior = priorForwarded
	}
	if p.ports == PortsByHeader {
		p.ports = portsOf[p.header]
	}
	var problems []error
	problem := func(format string, arguments ...any) {
		problems = append(problems, fmt.Errorf("%w: "+format, append([]any{ErrMisconfigured}, arguments...)...))
	}
	if !isToken(c.Header) {
		problem("%q is not the name of a header", c.Header)
	}
	if c.Ports > PortsAlways {
		problem("Ports %d, want PortsByHeader, PortsNever or PortsAlways", c.Ports)
	}
	if len(c.Trusted) == 0 && !c.UnixSocket {
		problem("none is trusted, want at least one prefix")
	}
	for _, prefix := range c.Trusted {
		switch unmapped := unmap(prefix); {
		case !prefix.IsValid():
			problem("a trusted prefix is the zero value")
		case !unmapped.IsValid() || unmapped.Bits() == 0:
			problem("the trusted prefix %s holds every address", prefix)
		default:
			p.trusted = append(p.trusted, unmapped)
		}
	}
	p.misconfigured = errors.Join(problems...)
	return p
}

// unmap returns prefix as one of IPv4 addresses where it is one of IPv4 addresses
// mapped into IPv6, and the zero prefix where it is partly so.
func unmap(prefix netip.Prefix) netip.Prefix {
	if !prefix.Addr().Is4In6() {
		return prefix
	}
	return netip.PrefixFrom(prefix.Addr().Unmap(), max(prefix.Bits()-96, -1))
}

// proxies is immutable.
type proxies struct {
	header        string // canonical
	prior         func(value string) (entry, rest string, more bool)
	trusted       []netip.Prefix
	unixSocket    bool
	ports         Ports
	misconfigured error
}

// Validate reports every mistake in the [Proxies].
func (p *proxies) Validate() error { return p.misconfigured }

// ClientIP walks the header from the right.
func (p *proxies) ClientIP(r *http.Request) (netip.Addr, error) {
	if p.misconfigured != nil {
		return netip.Addr{}, p.misconfigured
	}
	client, err := RemoteAddr{}.ClientIP(r)
	switch {
	case err != nil && (!p.unixSocket || !isUnixPeer(r)):
		return netip.Addr{}, err
	case err == nil && !p.trusts(client):
		return client, nil
	}
	lines := r.Header[p.header]
	if len(lines) == 0 {
		return netip.Addr{}, newAddressError(p.header, "", notSent)
	}
	entries := 0
	for _, value := range slices.Backward(lines) {
		for more := true; more; {
			if entries++; entries > maxEntries {
				return netip.Addr{}, newAddressError(p.header, value, fmt.Sprintf("more than %d entries", maxEntries))
			}
			line := value
			var entry, problem string
			entry, value, more = p.prior(line)
			if client, problem = parseNode(entry, p.ports); problem != "" {
				written := trimSpace(strings.TrimPrefix(line[len(value):], ","))
				return netip.Addr{}, newAddressError(p.header, written, problem)
			}
			if !p.trusts(client) {
				return client, nil
			}
		}
	}
	return client, nil
}

func (p *proxies) trusts(ip netip.Addr) bool {
	return slices.ContainsFunc(p.trusted, func(prefix netip.Prefix) bool { return prefix.Contains(ip) })
}

// priorInList takes the last entry off a list. More reports whether rest holds
// another.
func priorInList(list string) (entry, rest string, more bool) {
	i := strings.LastIndexByte(list, ',')
	if i < 0 {
		return trimSpace(list), "", false
	}
	return trimSpace(list[i+1:]), list[:i], true
}

// trimSpace removes optional whitespace: RFC 9110, section 5.6.3.
func trimSpace(s string) string { return strings.Trim(s, " \t") }
