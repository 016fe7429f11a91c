package bindingtest

import "net/netip"

// The addresses that [Places] knows. Berlin is the one to start from.
var (
	Berlin            = netip.MustParseAddr("192.0.2.1")
	BerlinNeighbour   = netip.MustParseAddr("192.0.2.2")     // same network and prefix
	BerlinOtherPrefix = netip.MustParseAddr("192.0.2.65")    // same network, another prefix
	BerlinMobile      = netip.MustParseAddr("192.0.2.33")    // same city, another network
	BerlinIPv6        = netip.MustParseAddr("2001:db8:1::1") // same city and network, over IPv6
	Munich            = netip.MustParseAddr("192.0.2.129")   // same country and network, another city
	Hamburg           = netip.MustParseAddr("192.0.2.161")   // same country, another city and network
	Countryside       = netip.MustParseAddr("192.0.2.193")   // same country and network, city unknown
	Paris             = netip.MustParseAddr("198.51.100.1")  // same continent, another country
	ParisIPv6         = netip.MustParseAddr("2001:db8:2::1")
	London            = netip.MustParseAddr("198.51.100.33")
	NewYork           = netip.MustParseAddr("198.51.100.65") // another continent, as all below
	NewYorkIPv6       = netip.MustParseAddr("3fff:1::1")
	Tokyo             = netip.MustParseAddr("198.51.100.97")
	Sydney            = netip.MustParseAddr("198.51.100.129")
	SaoPaulo          = netip.MustParseAddr("198.51.100.161")
	Nairobi           = netip.MustParseAddr("198.51.100.193")

	NetworkOnly   = netip.MustParseAddr("192.0.2.225")     // a network, and no place
	PlaceOnly     = netip.MustParseAddr("192.0.2.241")     // in Berlin, and no network
	Unlocated     = netip.MustParseAddr("203.0.113.1")     // nothing known
	UnlocatedIPv6 = netip.MustParseAddr("2001:db8:ffff::") // nothing known
)
