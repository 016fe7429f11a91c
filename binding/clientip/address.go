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

const notAddress = `not an IP address (want "ip", "ip:port", "[ipv6]" or "[ipv6]:port")`

// maxQuoted is how many bytes of a value that somebody else wrote go into an error.
const maxQuoted = 64

func newAddressError(source, value, reason string) *AddressError {
	if len(value) > maxQuoted {
		value = value[:maxQuoted] + "…"
	}
	return &AddressError{Source: source, Value: value, Reason: reason}
}

// parseNode reads an address with or without a port: "ip", "ip:port", "[ipv6]"
// or "[ipv6]:port". The port may be obfuscated, as in RFC 7239, section 6.
func parseNode(s string) (netip.Addr, bool) {
	host, port, hasPort := s, "", false
	bracketed := strings.HasPrefix(s, "[")
	if bracketed {
		inside, rest, closed := strings.Cut(s[1:], "]")
		if !closed {
			return netip.Addr{}, false
		}
		host = inside
		if rest != "" {
			if rest[0] != ':' {
				return netip.Addr{}, false
			}
			port, hasPort = rest[1:], true
		}
	} else if i := strings.IndexByte(s, ':'); i >= 0 && i == strings.LastIndexByte(s, ':') {
		host, port, hasPort = s[:i], s[i+1:], true
	}
	if hasPort && !isPort(port) {
		return netip.Addr{}, false
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || bracketed && !ip.Is6() {
		return netip.Addr{}, false
	}
	return binding.Normalize(ip), true
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
