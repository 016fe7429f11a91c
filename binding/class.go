package binding

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Class is what an address is for, by the IANA special-purpose registries
// (RFC 6890). The zero value is the class of no address, unknown; the others are
// public, private, shared, loopback, link_local, documentation and reserved.
type Class uint8

const (
	classUnknown       Class = iota // no address
	classPublic                     // globally reachable, or the registries do not say
	classPrivate                    // RFC 1918, and unique local RFC 4193
	classShared                     // carrier-grade NAT, RFC 6598
	classLoopback                   // of the host itself
	classLinkLocal                  // of one link
	classDocumentation              // for examples: RFC 5737, RFC 3849, RFC 9637
	classReserved                   // anything else that is not globally reachable
)

var classNames = []string{"unknown", "public", "private", "shared", "loopback", "link_local", "documentation", "reserved"}

// isLocal reports whether addresses of the class mean something on the network of
// the server alone, so that no database knows them.
func (c Class) isLocal() bool {
	return c == classPrivate || c == classShared || c == classLoopback || c == classLinkLocal
}

// String returns the class's name.
func (c Class) String() string { return levelName("Class", classNames, uint8(c)) }

// special are the blocks of the registries that netip does not know. Blocks that are
// not globally reachable stand behind the parts of them that are reachable, or that the
// registries leave open. The first block that holds an address counts.
var special = []struct {
	prefix netip.Prefix
	class  Class
}{
	{netip.MustParsePrefix("192.0.0.9/32"), classPublic},    // port control protocol, RFC 7723
	{netip.MustParsePrefix("192.0.0.10/32"), classPublic},   // TURN, RFC 8155
	{netip.MustParsePrefix("2001::/32"), classPublic},       // Teredo, RFC 4380
	{netip.MustParsePrefix("2001:1::1/128"), classPublic},   // port control protocol, RFC 7723
	{netip.MustParsePrefix("2001:1::2/128"), classPublic},   // TURN, RFC 8155
	{netip.MustParsePrefix("2001:1::3/128"), classPublic},   // service registration, RFC 9665
	{netip.MustParsePrefix("2001:3::/32"), classPublic},     // multicast tunnels, RFC 7450
	{netip.MustParsePrefix("2001:4:112::/48"), classPublic}, // AS112, RFC 7535
	{netip.MustParsePrefix("2001:10::/28"), classPublic},    // ORCHID, RFC 4843
	{netip.MustParsePrefix("2001:20::/28"), classPublic},    // ORCHIDv2, RFC 7343
	{netip.MustParsePrefix("2001:30::/28"), classPublic},    // drone identities, RFC 9374

	{netip.MustParsePrefix("100.64.0.0/10"), classShared},
	{netip.MustParsePrefix("192.0.2.0/24"), classDocumentation},
	{netip.MustParsePrefix("198.51.100.0/24"), classDocumentation},
	{netip.MustParsePrefix("203.0.113.0/24"), classDocumentation},
	{netip.MustParsePrefix("2001:db8::/32"), classDocumentation},
	{netip.MustParsePrefix("3fff::/20"), classDocumentation},
	{netip.MustParsePrefix("0.0.0.0/8"), classReserved},
	{netip.MustParsePrefix("192.0.0.0/24"), classReserved},
	{netip.MustParsePrefix("192.88.99.2/32"), classReserved},
	{netip.MustParsePrefix("198.18.0.0/15"), classReserved},
	{netip.MustParsePrefix("240.0.0.0/4"), classReserved},
	{netip.MustParsePrefix("64:ff9b:1::/48"), classReserved},
	{netip.MustParsePrefix("100::/64"), classReserved},
	{netip.MustParsePrefix("100:0:0:1::/64"), classReserved},
	{netip.MustParsePrefix("2001::/23"), classReserved},
	{netip.MustParsePrefix("5f00::/16"), classReserved},
}

// ClassOf returns the class of an address, mapped and zoned ones included.
func ClassOf(ip netip.Addr) Class {
	ip = Normalize(ip)
	switch {
	case !ip.IsValid():
		return classUnknown
	case ip.IsPrivate():
		return classPrivate
	case ip.IsLoopback():
		return classLoopback
	case ip.IsLinkLocalUnicast():
		return classLinkLocal
	case ip.IsMulticast() || ip.IsUnspecified():
		return classReserved
	}
	for _, block := range special {
		if block.prefix.Contains(ip) {
			return block.class
		}
	}
	return classPublic
}

// PrefixLengths is how many leading bits of two addresses must agree for them to
// count as the same. A zero field is all bits: 32 and 128. Its text is
// "ipv4=32,ipv6=64".
//
// What an attacker gains: with 64 for IPv6, which is one home or one phone
// (RFC 8981), those who share the local network. Below 64, and with anything
// below 32 for IPv4, strangers.
type PrefixLengths struct{ IPv4, IPv6 uint8 }

// MarshalText returns "ipv4=N,ipv6=N".
func (l PrefixLengths) MarshalText() ([]byte, error) {
	v4, v6 := l.bits()
	return fmt.Appendf(nil, "ipv4=%d,ipv6=%d", v4, v6), nil
}

// UnmarshalText reads what MarshalText writes, and leaves l as it was on error.
func (l *PrefixLengths) UnmarshalText(text []byte) error {
	v4, v6, _ := strings.Cut(string(text), ",")
	read := PrefixLengths{prefixLength(v4, "ipv4="), prefixLength(v6, "ipv6=")}
	if read.IPv4 == 0 || read.IPv6 == 0 || !read.valid() {
		return fmt.Errorf("binding: prefix lengths %.40q: want ipv4=N,ipv6=N with N from %d to 32 and from %d to 128", text, minIPv4, minIPv6)
	}
	*l = read
	return nil
}

// prefixLength returns the number after the name, or 0 for what is none.
func prefixLength(s, name string) uint8 {
	number, ok := strings.CutPrefix(s, name)
	n, err := strconv.ParseUint(number, 10, 8)
	if !ok || err != nil {
		return 0
	}
	return uint8(n)
}

// The shortest prefixes that may count as one address.
const minIPv4, minIPv6 = 16, 32

func (l PrefixLengths) valid() bool {
	v4, v6 := l.bits()
	return v4 >= minIPv4 && v4 <= 32 && v6 >= minIPv6 && v6 <= 128
}

func (l PrefixLengths) bits() (v4, v6 int) {
	v4, v6 = int(l.IPv4), int(l.IPv6)
	if v4 == 0 {
		v4 = 32
	}
	if v6 == 0 {
		v6 = 128
	}
	return v4, v6
}

// same reports whether a and b, both normalized, count as one address.
func (l PrefixLengths) same(a, b netip.Addr) bool {
	if !a.IsValid() || a.BitLen() != b.BitLen() {
		return false
	}
	return l.masked(a).Contains(b)
}

// masked returns the prefix of all addresses that count as one with a, which is
// normalized.
func (l PrefixLengths) masked(a netip.Addr) netip.Prefix {
	bits, v6 := l.bits()
	if a.Is6() {
		bits = v6
	}
	prefix, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}
