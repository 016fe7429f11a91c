package binding_test

import (
	"net/netip"
	"testing"

	"github.com/mooring-go/mooring/binding"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	europe = binding.Continent{Code: "EU", GeoNameID: 6255148, Names: binding.Names{"en": "Europe", "de": "Europa"}}
	asia   = binding.Continent{Code: "AS", GeoNameID: 6255147, Names: binding.Names{"en": "Asia"}}

	germany = binding.Country{ISOCode: "DE", GeoNameID: 2921044, Names: binding.Names{"en": "Germany"}}
	france  = binding.Country{ISOCode: "FR", GeoNameID: 3017382, Names: binding.Names{"en": "France"}}

	berlin  = binding.City{GeoNameID: 2950159, Names: binding.Names{"en": "Berlin"}}
	hamburg = binding.City{GeoNameID: 2911298, Names: binding.Names{"en": "Hamburg"}}
)

// home returns a location that every level can be checked at.
func home() binding.Location {
	return binding.Location{
		IP:  netip.MustParseAddr("192.0.2.1"),
		ASN: &binding.ASN{Number: 64500, Organization: "Example Net", Network: netip.MustParsePrefix("192.0.2.0/24")},
		Geo: &binding.Geo{
			Continent: europe, Country: germany, City: berlin,
			Coordinates: &binding.Coordinates{Latitude: 52.52, Longitude: 13.4},
		},
	}
}

// at returns home after change.
func at(change func(*binding.Location)) binding.Location {
	l := home()
	change(&l)
	return l
}

func TestCheckNamesTheFirstFactThatChanged(t *testing.T) {
	var (
		ip     = at(func(l *binding.Location) { l.IP = netip.MustParseAddr("192.0.2.2") })
		prefix = at(func(l *binding.Location) {
			l.IP, l.ASN.Network = netip.MustParseAddr("198.51.100.1"), netip.MustParsePrefix("198.51.100.0/24")
		})
		longer = at(func(l *binding.Location) { l.ASN.Network = netip.MustParsePrefix("192.0.2.0/25") })
		number = at(func(l *binding.Location) { l.ASN.Number = 64501 })
		holder = at(func(l *binding.Location) { l.ASN.Organization = "Example Net, renamed" })
		noASN  = at(func(l *binding.Location) { l.ASN = nil })

		city      = at(func(l *binding.Location) { l.Geo.City = hamburg })
		noCity    = at(func(l *binding.Location) { l.Geo.City = binding.City{} })
		country   = at(func(l *binding.Location) { l.Geo.Country = france })
		continent = at(func(l *binding.Location) { l.Geo.Continent = asia })
		moved     = at(func(l *binding.Location) { l.Geo.Coordinates = nil })
		noGeo     = at(func(l *binding.Location) { l.Geo = nil })
		nothing   = binding.Location{IP: netip.MustParseAddr("203.0.113.1")}
	)

	const holds = binding.Reason("")
	for _, test := range []struct {
		name string
		to   binding.Location
		// reasons of the levels of network binding from loosest to strictest, and of GeoIP binding
		network, geoIP [4]binding.Reason
	}{
		{"nothing", home(), [4]binding.Reason{}, [4]binding.Reason{}},
		{"address", ip, [4]binding.Reason{3: binding.NetworkIPChanged}, [4]binding.Reason{}},
		{"prefix", prefix,
			[4]binding.Reason{2: binding.NetworkPrefixChanged, 3: binding.NetworkPrefixChanged}, [4]binding.Reason{}},
		{"length of the prefix", longer,
			[4]binding.Reason{2: binding.NetworkPrefixChanged, 3: binding.NetworkPrefixChanged}, [4]binding.Reason{}},
		{"autonomous system", number,
			[4]binding.Reason{holds, binding.NetworkASNChanged, binding.NetworkASNChanged, binding.NetworkASNChanged}, [4]binding.Reason{}},
		{"holder of the autonomous system", holder, [4]binding.Reason{}, [4]binding.Reason{}},
		{"no ASN facts", noASN,
			[4]binding.Reason{holds, binding.NetworkMissing, binding.NetworkMissing, binding.NetworkMissing}, [4]binding.Reason{}},
		{"city", city, [4]binding.Reason{}, [4]binding.Reason{3: binding.GeoIPCityChanged}},
		{"city no longer known", noCity, [4]binding.Reason{}, [4]binding.Reason{3: binding.GeoIPCityChanged}},
		{"country", country, [4]binding.Reason{},
			[4]binding.Reason{2: binding.GeoIPCountryChanged, 3: binding.GeoIPCountryChanged}},
		{"continent", continent, [4]binding.Reason{},
			[4]binding.Reason{holds, binding.GeoIPContinentChanged, binding.GeoIPContinentChanged, binding.GeoIPContinentChanged}},
		{"coordinates", moved, [4]binding.Reason{}, [4]binding.Reason{}},
		{"no GeoIP facts", noGeo, [4]binding.Reason{},
			[4]binding.Reason{holds, binding.GeoIPMissing, binding.GeoIPMissing, binding.GeoIPMissing}},
		{"everything lost", nothing,
			[4]binding.Reason{holds, binding.NetworkMissing, binding.NetworkMissing, binding.NetworkMissing},
			[4]binding.Reason{holds, binding.GeoIPMissing, binding.GeoIPMissing, binding.GeoIPMissing}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for network, want := range test.network {
				for geoIP, wantGeoIP := range test.geoIP {
					policy := binding.Policy{Network: binding.Network(network), GeoIP: binding.GeoIP(geoIP)}
					want := want
					if want == holds { // the network is checked before the place
						want = wantGeoIP
					}
					assert.Equal(t, want, reason(policy.Check(home(), test.to)), "there under %v", policy)
					assert.Equal(t, want, reason(policy.Check(test.to, home())), "back under %v", policy)
				}
			}
		})
	}
}

func reason(b *binding.Broken) binding.Reason {
	if b == nil {
		return ""
	}
	return b.Reason
}

func TestCheckOfTwoUnknownSides(t *testing.T) {
	nothing := binding.Location{IP: netip.MustParseAddr("203.0.113.1")}
	assert.Nil(t, binding.Policy{}.Check(nothing, nothing), "the zero policy asks for nothing")
	assert.Equal(t, binding.NetworkMissing, reason(binding.Policy{Network: binding.NetworkASN}.Check(nothing, nothing)))
	assert.Equal(t, binding.GeoIPMissing, reason(binding.Policy{GeoIP: binding.GeoIPContinent}.Check(nothing, nothing)))

	countryside := at(func(l *binding.Location) { l.Geo.City = binding.City{} })
	assert.Nil(t, binding.Policy{GeoIP: binding.GeoIPCity}.Check(countryside, countryside), "two unknown cities are equal")
}

func TestCheckNeverLooksAtTheAddressFirst(t *testing.T) {
	reassigned := at(func(l *binding.Location) { l.ASN.Number = 64501 })
	broken := binding.Policy{Network: binding.NetworkASNNetworkIP}.Check(home(), reassigned)
	require.NotNil(t, broken)
	assert.Equal(t, binding.NetworkASNChanged, broken.Reason, "same address, facts that differ")
}

func TestCheckOfAddresses(t *testing.T) {
	const v4, v4b, v6 = "192.0.2.1", "192.0.2.2", "2001:db8::1"
	for _, test := range []struct {
		name, from, to string
		holds          bool
	}{
		{"same", v4, v4, true},
		{"other", v4, v4b, false},
		{"mapped into IPv6", v4, "::ffff:" + v4, true},
		{"other, mapped into IPv6", v4, "::ffff:" + v4b, false},
		{"zone", v6, v6 + "%eth0", true},
		{"two zones", v6 + "%eth1", v6 + "%eth0", true},
		{"other family", v4, v6, false},
		{"unknown", v4, "", false},
		{"both unknown", "", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			from := at(func(l *binding.Location) { l.IP = address(test.from) })
			to := at(func(l *binding.Location) { l.IP = address(test.to) })
			broken := binding.Policy{Network: binding.NetworkASNNetworkIP}.Check(from, to)
			if test.holds {
				assert.Nil(t, broken)
				return
			}
			assert.Equal(t, binding.NetworkIPChanged, reason(broken))
		})
	}
}

// address returns s as an address, or the zero address for "".
func address(s string) netip.Addr {
	if s == "" {
		return netip.Addr{}
	}
	return netip.MustParseAddr(s)
}

// A stricter level never turns what is broken into what holds, whatever the two
// locations are.
func TestStricterLevelsNeverForgive(t *testing.T) {
	locations := everyLocation()
	for _, from := range locations {
		for _, to := range locations {
			for network := binding.NetworkOff; network <= binding.NetworkASNNetworkIP; network++ {
				for geoIP := binding.GeoIPOff; geoIP <= binding.GeoIPCity; geoIP++ {
					loose := binding.Policy{Network: network, GeoIP: geoIP}
					if loose.Check(from, to) == nil {
						continue
					}
					stricterNetwork := binding.Policy{Network: min(network+1, binding.NetworkASNNetworkIP), GeoIP: geoIP}
					stricterGeoIP := binding.Policy{Network: network, GeoIP: min(geoIP+1, binding.GeoIPCity)}
					if stricterNetwork.Check(from, to) == nil || stricterGeoIP.Check(from, to) == nil {
						require.Failf(t, "forgiven", "%+v to %+v breaks %v and holds under a stricter level", from, to, loose)
					}
				}
			}
		}
	}
}

// everyLocation returns each combination of a few values of each fact, with and
// without it.
func everyLocation() []binding.Location {
	asns := []*binding.ASN{nil, {}}
	for _, number := range []uint32{64500, 64501} {
		for _, network := range []string{"192.0.2.0/24", "198.51.100.0/24"} {
			asns = append(asns, &binding.ASN{Number: number, Network: netip.MustParsePrefix(network)})
		}
	}
	geos := []*binding.Geo{nil}
	for _, continent := range []binding.Continent{{}, europe, asia} {
		for _, country := range []binding.Country{{}, germany, france} {
			for _, city := range []binding.City{{}, berlin, hamburg} {
				geos = append(geos, &binding.Geo{Continent: continent, Country: country, City: city})
			}
		}
	}
	var locations []binding.Location
	for _, ip := range []string{"", "192.0.2.1"} {
		for _, asn := range asns {
			for _, geo := range geos {
				locations = append(locations, binding.Location{IP: address(ip), ASN: asn, Geo: geo})
			}
		}
	}
	return locations
}

// A number that is no level is as strict as the strictest.
func TestUnknownLevelsAreTheStrictest(t *testing.T) {
	unknown := binding.Policy{Network: 200, GeoIP: 200}
	assert.Nil(t, unknown.Check(home(), home()))
	assert.Equal(t, binding.NetworkIPChanged,
		reason(unknown.Check(home(), at(func(l *binding.Location) { l.IP = netip.MustParseAddr("192.0.2.2") }))))
	assert.Equal(t, binding.GeoIPCityChanged,
		reason(unknown.Check(home(), at(func(l *binding.Location) { l.Geo.City = hamburg }))))
}

func BenchmarkCheck(b *testing.B) {
	policy := binding.Policy{Network: binding.NetworkASNNetwork, GeoIP: binding.GeoIPCity}
	from, to := home(), home()
	b.ReportAllocs()
	for b.Loop() {
		if policy.Check(from, to) != nil {
			b.Fatal("broken")
		}
	}
}
