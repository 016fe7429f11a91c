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

// TrustedProxies returns the Resolver for a server behind reverse proxies:
// those with an address in trusted may name the client in header, and nobody
// else may.
//
// A peer that is not trusted is the client itself, whatever it sends. Otherwise
// header is read from the right, over all its lines, past the addresses that
// are trusted, to the first that is not: that is the client. Where all are
// trusted it is the leftmost, and where there is no header it is the peer.
// An entry that is no address, or the sixty-fifth, makes the client unknown,
// an [*AddressError].
//
// The header Forwarded is read as RFC 7239 has it, also where addresses with
// colons are not quoted. Any other (X-Forwarded-For, X-Real-IP,
// CF-Connecting-IP) is read as a list, separated by commas, of "ip", "ip:port",
// "[ipv6]" or "[ipv6]:port".
//
// Each trusted proxy must append to the header, or replace it; the nearest one
// that only passes it on lets clients choose their address. The trusted prefixes
// should hold proxies and no clients, for a client inside is passed over too.
//
// The Resolver is a [Validator]. With a header that is not a header name, no
// prefix, or a prefix that is invalid or holds every address, it fails on every
// request.
func TrustedProxies(header string, trusted ...netip.Prefix) Resolver {
	p := &proxies{header: http.CanonicalHeaderKey(header), prior: priorInList}
	if p.header == "Forwarded" {
		p.prior = priorForwarded
	}
	var problems []error
	problem := func(format string, arguments ...any) {
		problems = append(problems, fmt.Errorf("%w: "+format, append([]any{ErrMisconfigured}, arguments...)...))
	}
	if !isToken(header) {
		problem("%q is not the name of a header", header)
	}
	if len(trusted) == 0 {
		problem("none is trusted, want at least one prefix")
	}
	for _, prefix := range trusted {
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

// unmap is prefix as one of IPv4 addresses where it is one of IPv4 addresses
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
	misconfigured error
}

// Validate reports every mistake in the arguments of [TrustedProxies].
func (p *proxies) Validate() error { return p.misconfigured }

// ClientIP walks the header from the right.
func (p *proxies) ClientIP(r *http.Request) (netip.Addr, error) {
	if p.misconfigured != nil {
		return netip.Addr{}, p.misconfigured
	}
	client, err := RemoteAddr{}.ClientIP(r)
	if err != nil || !p.trusts(client) {
		return client, err
	}
	entries := 0
	for _, value := range slices.Backward(r.Header[p.header]) {
		for more := true; more; {
			if entries++; entries > maxEntries {
				return netip.Addr{}, newAddressError(p.header, value, fmt.Sprintf("more than %d entries", maxEntries))
			}
			line := value
			var entry string
			entry, value, more = p.prior(line)
			ip, ok := parseNode(entry)
			if !ok {
				written := trimSpace(strings.TrimPrefix(line[len(value):], ","))
				return netip.Addr{}, newAddressError(p.header, written, notAddress)
			}
			if client = ip; !p.trusts(client) {
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
