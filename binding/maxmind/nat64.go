package maxmind

import "net/netip"

// nat64 is the well-known prefix of addresses that stand for IPv4 addresses behind a
// translator: RFC 6052, section 2.1.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// inside returns the IPv4 address that ip stands for behind a translator, or ip.
func inside(ip netip.Addr) netip.Addr {
	if ip.Is4() || !nat64.Contains(ip) {
		return ip
	}
	all := ip.As16()
	return netip.AddrFrom4([4]byte(all[12:]))
}
