package binding

import "net/netip"

// Location is what is known of an IP address. The zero value is an unknown
// address about which nothing is known. A Location and what it points to are
// read-only once made, and may be shared. Its JSON has all of the facts.
type Location struct {
	IP  netip.Addr // unmapped and without a zone
	ASN *ASN       // who announces the address; nil: nothing known
	Geo *Geo       // where the address is; nil: nothing known

	// Generation names the data that the facts were looked up in. Facts of two
	// locations are comparable when their generations are equal. Empty where
	// the data never changes.
	Generation string
}

// ASN is what is known of the network that announces an address.
//
// Its JSON is {"asn", "as_org", "network"}, with null for what is unknown.
type ASN struct {
	Number       uint32       // autonomous system number; 0: unknown
	Organization string       // who holds the number; empty: unknown
	Network      netip.Prefix // the announced prefix that holds the address; zero: unknown
}

// Normalize returns ip as locations hold it: an IPv4 address that is mapped
// into IPv6 as the IPv4 address it stands for, and without a zone.
func Normalize(ip netip.Addr) netip.Addr { return ip.Unmap().WithZone("") }
