package bindingtest_test

import (
	"errors"
	"net/netip"
	"os"
	"testing"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func locate(t *testing.T, locator binding.Locator, ip netip.Addr) binding.Location {
	t.Helper()
	location, err := locator.Locate(t.Context(), ip)
	require.NoError(t, err)
	return location
}

// What each address shares with Berlin is what its comment promises.
func TestPlacesAgainstBerlin(t *testing.T) {
	places := bindingtest.Places()
	const holds = binding.Reason("")
	for _, test := range []struct {
		name           string
		ip             netip.Addr
		network, geoIP binding.Reason // under the strictest level of each
	}{
		{"Berlin", bindingtest.Berlin, holds, holds},
		{"BerlinNeighbour", bindingtest.BerlinNeighbour, binding.NetworkIPChanged, holds},
		{"BerlinOtherPrefix", bindingtest.BerlinOtherPrefix, binding.NetworkPrefixChanged, holds},
		{"BerlinIPv6", bindingtest.BerlinIPv6, binding.NetworkPrefixChanged, holds},
		{"BerlinMobile", bindingtest.BerlinMobile, binding.NetworkASNChanged, holds},
		{"Munich", bindingtest.Munich, binding.NetworkPrefixChanged, binding.GeoIPCityChanged},
		{"Hamburg", bindingtest.Hamburg, binding.NetworkASNChanged, binding.GeoIPCityChanged},
		{"Countryside", bindingtest.Countryside, binding.NetworkPrefixChanged, binding.GeoIPCityChanged},
		{"Paris", bindingtest.Paris, binding.NetworkASNChanged, binding.GeoIPCountryChanged},
		{"ParisIPv6", bindingtest.ParisIPv6, binding.NetworkASNChanged, binding.GeoIPCountryChanged},
		{"London", bindingtest.London, binding.NetworkASNChanged, binding.GeoIPCountryChanged},
		{"NewYork", bindingtest.NewYork, binding.NetworkASNChanged, binding.GeoIPContinentChanged},
		{"NewYorkIPv6", bindingtest.NewYorkIPv6, binding.NetworkASNChanged, binding.GeoIPContinentChanged},
		{"Tokyo", bindingtest.Tokyo, binding.NetworkASNChanged, binding.GeoIPContinentChanged},
		{"Sydney", bindingtest.Sydney, binding.NetworkASNChanged, binding.GeoIPContinentChanged},
		{"SaoPaulo", bindingtest.SaoPaulo, binding.NetworkASNChanged, binding.GeoIPContinentChanged},
		{"Nairobi", bindingtest.Nairobi, binding.NetworkASNChanged, binding.GeoIPContinentChanged},
		{"NetworkOnly", bindingtest.NetworkOnly, binding.NetworkASNChanged, binding.GeoIPMissing},
		{"PlaceOnly", bindingtest.PlaceOnly, binding.NetworkMissing, holds},
		{"Unlocated", bindingtest.Unlocated, binding.NetworkMissing, binding.GeoIPMissing},
		{"UnlocatedIPv6", bindingtest.UnlocatedIPv6, binding.NetworkMissing, binding.GeoIPMissing},
	} {
		t.Run(test.name, func(t *testing.T) {
			berlin, there := locate(t, places, bindingtest.Berlin), locate(t, places, test.ip)
			assert.Equal(t, test.ip, there.IP)
			assert.Equal(t, test.network, reason(binding.Policy{Network: binding.NetworkASNNetworkIP}.Check(berlin, there)))
			assert.Equal(t, test.geoIP, reason(binding.Policy{GeoIP: binding.GeoIPCity}.Check(berlin, there)))
		})
	}
}

func reason(b *binding.Broken) binding.Reason {
	if b == nil {
		return ""
	}
	return b.Reason
}

func TestLaterIsWhatItSays(t *testing.T) {
	places, later := bindingtest.Places(), bindingtest.Later()
	assert.NotEqual(t, places.Generation, later.Generation)
	strictest := binding.Policy{Network: binding.NetworkASNNetwork, GeoIP: binding.GeoIPCity}
	for ip, want := range map[netip.Addr]binding.Reason{
		bindingtest.Berlin:      binding.NetworkPrefixChanged,
		bindingtest.Munich:      binding.NetworkASNChanged,
		bindingtest.Hamburg:     binding.NetworkPrefixChanged,
		bindingtest.Paris:       binding.NetworkASNChanged,
		bindingtest.Countryside: binding.GeoIPCityChanged,
		bindingtest.PlaceOnly:   binding.NetworkMissing,
		bindingtest.Nairobi:     binding.NetworkMissing,
		bindingtest.Tokyo:       "",
	} {
		assert.Equal(t, want, reason(strictest.Check(locate(t, places, ip), locate(t, later, ip))), ip)
	}

	before, after := locate(t, places, bindingtest.Munich), locate(t, later, bindingtest.Munich)
	assert.NotEqual(t, before.Geo.City.Names, after.Geo.City.Names)
	assert.Nil(t, binding.Policy{GeoIP: binding.GeoIPCity}.Check(before, after), "renamed is not moved")
	assert.Equal(t,
		locate(t, later, bindingtest.Berlin).ASN, locate(t, later, bindingtest.BerlinNeighbour).ASN, "both in the split prefix")
	assert.Equal(t,
		locate(t, later, bindingtest.Munich).ASN, locate(t, later, bindingtest.Hamburg).ASN, "both in the merged prefix")
}

func TestLocatorTakesTheLongestPrefix(t *testing.T) {
	locator := bindingtest.Locator{ASNs: map[netip.Prefix]binding.ASN{
		netip.MustParsePrefix("0.0.0.0/0"):        {Number: 1},
		netip.MustParsePrefix("203.0.113.0/24"):   {Number: 2},
		netip.MustParsePrefix("203.0.113.128/25"): {Number: 3},
		netip.MustParsePrefix("203.0.113.255/32"): {Number: 4},
	}}
	for ip, want := range map[string]binding.ASN{
		"192.0.2.1":            {Number: 1, Network: netip.MustParsePrefix("0.0.0.0/0")},
		"203.0.113.1":          {Number: 2, Network: netip.MustParsePrefix("203.0.113.0/24")},
		"::ffff:203.0.113.129": {Number: 3, Network: netip.MustParsePrefix("203.0.113.128/25")},
		"203.0.113.255":        {Number: 4, Network: netip.MustParsePrefix("203.0.113.255/32")},
	} {
		assert.Equal(t, &want, locate(t, locator, netip.MustParseAddr(ip)).ASN, ip)
	}
	assert.Nil(t, locate(t, locator, netip.MustParseAddr("2001:db8::1")).ASN)
	assert.Nil(t, locate(t, locator, bindingtest.Berlin).Geo)

	_, err := locator.Locate(t.Context(), netip.Addr{})
	assert.ErrorIs(t, err, binding.ErrNoAddress)
}

func TestPlacesAreTheCallersOwn(t *testing.T) {
	mine := bindingtest.Places()
	clear(mine.ASNs)
	clear(mine.Geos)
	assert.NotNil(t, locate(t, bindingtest.Places(), bindingtest.Berlin).ASN)
	assert.NotNil(t, locate(t, bindingtest.Places(), bindingtest.Berlin).Geo)

	files := bindingtest.ASNFile()
	clear(files)
	assert.NotEqual(t, files, bindingtest.ASNFile())
}

func TestFailing(t *testing.T) {
	_, err := bindingtest.Failing{}.Locate(t.Context(), bindingtest.Berlin)
	assert.ErrorIs(t, err, bindingtest.ErrUnavailable)
	other := errors.New("no answer")
	_, err = bindingtest.Failing{Err: other}.Locate(t.Context(), bindingtest.Berlin)
	assert.ErrorIs(t, err, other)
}

func TestCounter(t *testing.T) {
	counter := bindingtest.Counter{Locator: bindingtest.Places()}
	assert.Zero(t, counter.Calls())
	assert.Equal(t, locate(t, bindingtest.Places(), bindingtest.Paris), locate(t, &counter, bindingtest.Paris))
	assert.Equal(t, 1, counter.Calls())
}

func TestWriteFiles(t *testing.T) {
	asn, city := bindingtest.WriteFiles(t)
	written, err := os.ReadFile(asn)
	require.NoError(t, err)
	assert.Equal(t, bindingtest.ASNFile(), written)
	written, err = os.ReadFile(city)
	require.NoError(t, err)
	assert.Equal(t, bindingtest.CityFile(), written)
}
