package clientip

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/mooring-go/mooring/binding"
)

// An AddressError reports that the address of a client is unknown, because the
// place where it should stand holds something else.
type AddressError struct {
	Source string // "RemoteAddr", or the name of the header
	Value  string // the entry as it stands there, cut short where it is long
	Reason string // what is wrong with it
}

// Error says what was wrong with which value.
func (e *AddressError) Error() string {
	return fmt.Sprintf("clientip: %s: %q: %s", e.Source, e.Value, e.Reason)
}

const (
	notAddress   = `not an IP address (want "ip", "ip:port", "[ipv6]" or "[ipv6]:port")`
	isAmbiguous  = `an IPv6 address that may end in a port (want "[ipv6]" or "[ipv6]:port", or Proxies.Ports)`
	isUnixSocket = "the peer of a Unix socket has no IP address (want Proxies.UnixSocket behind a proxy)"
	notSent      = "a trusted proxy sent no such header"
)

// maxQuoted is how many bytes of a value that somebody else wrote go into an error.
const maxQuoted = 64

func newAddressError(source, value, reason string) *AddressError {
	if len(value) > maxQuoted {
		value = value[:maxQuoted] + "…"
	}
	return &AddressError{Source: source, Value: value, Reason: reason}
}

// parseNode reads an address with or without a port: "ip", "ip:port", "[ipv6]"
// or "[ipv6]:port", and IPv6 with a port and no brackets as ports says. The port may
// be obfuscated, as in RFC 7239, section 6. Where s is no address, problem says why.
func parseNode(s string, ports Ports) (ip netip.Addr, problem string) {
	host, port, hasPort := s, "", false
	bracketed := strings.HasPrefix(s, "[")
	last := strings.LastIndexByte(s, ':')
	switch {
	case bracketed:
		inside, rest, closed := strings.Cut(s[1:], "]")
		if !closed || rest != "" && rest[0] != ':' {
			return netip.Addr{}, notAddress
		}
		host = inside
		if rest != "" {
			port, hasPort = rest[1:], true
		}
	case last >= 0 && (last == strings.IndexByte(s, ':') || strings.LastIndexByte(s, '.') > strings.LastIndexByte(s[:last], ':')):
		// One colon, or a dotted quad before the last one, which nothing but a port follows.
		if strings.IndexByte(s[last:], '.') < 0 {
			host, port, hasPort = s[:last], s[last+1:], true
		}
	case last >= 0 && ports == PortsAlways:
		host, port, hasPort = s[:last], s[last+1:], true
	case last >= 0 && ports != PortsNever && endsInPort(s, last):
		return netip.Addr{}, isAmbiguous
	}
	if hasPort && !isPort(port) {
		return netip.Addr{}, notAddress
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || bracketed && !ip.Is6() {
		return netip.Addr{}, notAddress
	}
	return binding.Normalize(ip), ""
}

// endsInPort reports whether s, an IPv6 address, is also one with a port behind its
// last colon: 2001:db8::9:80 is, and 2001:db8::80 is not.
func endsInPort(s string, last int) bool {
	if !isPort(s[last+1:]) {
		return false
	}
	_, err := netip.ParseAddr(s[:last])
	return err == nil
}

// isPort reports whether s is a port, or stands for one: RFC 7239, section 6.3.
func isPort(s string) bool {
	if name, obfuscated := strings.CutPrefix(s, "_"); obfuscated {
		return isToken(name)
	}
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// isToken reports whether s is a token: RFC 9110, section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isTokenByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}
