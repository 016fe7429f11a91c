package loginstage_test

import (
	"cmp"
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

// Each step of these walks holds from the one before, and the last does not hold
// from where the session was made: nobody walks away from there.
func TestNobodyWalksAwayFromTheAnchor(t *testing.T) {
	office := new(binding.Prefixes)
	require.NoError(t, office.Set(netip.MustParsePrefix("198.51.100.0/24")))
	router := netip.MustParseAddr("192.168.1.20")
	home, abroad := netip.MustParseAddr("9.9.9.9"), netip.MustParseAddr("8.8.8.8") // the others are for documentation, and not public
	world := bindingtest.Places()
	world.Geos[netip.PrefixFrom(home, 24).Masked()] = world.Geos[netip.MustParsePrefix("192.0.2.0/25")]
	world.Geos[netip.PrefixFrom(abroad, 24).Masked()] = world.Geos[netip.MustParsePrefix("198.51.100.0/27")]
	for name, test := range map[string]struct {
		network   binding.Network
		geoIP     binding.GeoIP
		tolerance binding.Tolerance
		from      netip.Addr
		steps     []netip.Addr
		want      binding.Reason
	}{
		"from one /30 to the next": {
			network: binding.NetworkASNNetworkIP, tolerance: binding.Tolerance{SameIP: binding.PrefixLengths{IPv4: 30}},
			steps: []netip.Addr{netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.3"), netip.MustParseAddr("192.0.2.4")},
			want:  binding.NetworkIPChanged,
		},
		"over an address in no database": {
			geoIP: binding.GeoIPCountry, tolerance: binding.Tolerance{Missing: binding.MissingHold},
			steps: []netip.Addr{bindingtest.Unlocated, bindingtest.Paris}, want: binding.GeoIPCountryChanged,
		},
		"over a private address": {
			geoIP: binding.GeoIPCountry, tolerance: binding.Tolerance{Local: binding.LocalHold},
			from: home, steps: []netip.Addr{router, home, router, abroad}, want: binding.GeoIPCountryChanged,
		},
		"over an exempt address": {
			network: binding.NetworkASN, tolerance: binding.Tolerance{Exempt: office},
			steps: []netip.Addr{bindingtest.Paris, bindingtest.ParisIPv6}, want: binding.NetworkASNChanged,
		},
		"over the other family": {
			network: binding.NetworkASNNetwork, tolerance: binding.Tolerance{Families: binding.FamiliesLearn},
			steps: []netip.Addr{bindingtest.BerlinIPv6, bindingtest.BerlinOtherPrefix}, want: binding.NetworkPrefixChanged,
		},
	} {
		t.Run(name, func(t *testing.T) {
			test.from = cmp.Or(test.from, bindingtest.Berlin)
			synctest.Test(t, func(t *testing.T) {
				config := loginstage.Config{NetworkBinding: test.network, GeoIPBinding: test.geoIP, Tolerance: test.tolerance, Locator: world}
				v := newTraveller(t, loginstagetest.New(t, config))
				v.MoveTo(test.from)
				v.signIn()
				last := len(test.steps) - 1
				for _, ip := range test.steps[:last] {
					require.Equal(t, passes, v.visit(ip), ip)
				}
				assert.Equal(t, test.from, v.stored().Anchor.IP)
				require.Equal(t, denied, v.visit(test.steps[last]))
				assert.Equal(t, test.want, v.ended())
			})
			// The first step is taken between the password and the answer to the prompt.
			synctest.Test(t, func(t *testing.T) {
				config := loginstage.Config{
					NetworkBinding: test.network, GeoIPBinding: test.geoIP, Tolerance: test.tolerance, Locator: world,
					StaySignedInOffset: duration.MustParse("weeks=2"),
				}
				v := newTraveller(t, loginstagetest.New(t, config))
				v.MoveTo(test.from)
				v.signIn()
				v.MoveTo(test.steps[0])
				require.Equal(t, passes, v.PostForm("/finish", nil).StatusCode)
				last := len(test.steps) - 1
				for _, ip := range test.steps[:last] {
					require.Equal(t, passes, v.visit(ip), ip)
				}
				assert.Equal(t, test.from, v.stored().Anchor.IP)
				require.Equal(t, denied, v.visit(test.steps[last]))
				assert.Equal(t, test.want, v.ended())
			})
		})
	}
}
