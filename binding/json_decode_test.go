package binding_test

import (
	"encoding/json"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
)

// What an event says of a broken binding survives being stored and read.
func TestBrokenRoundTrip(t *testing.T) {
	asn := &binding.ASN{Number: 64496, Organization: "Example", Network: netip.MustParsePrefix("192.0.2.0/24")}
	geo := &binding.Geo{
		Continent:   binding.Continent{Code: "EU", GeoNameID: 6255148, Names: binding.Names{"en": "Europe"}},
		Country:     binding.Country{ISOCode: "DE", GeoNameID: 2921044},
		City:        binding.City{GeoNameID: 2950159, Names: binding.Names{"en": "Berlin"}},
		Coordinates: &binding.Coordinates{Latitude: 52.5, Longitude: 13.4},
	}
	for reason, values := range map[binding.Reason][2]any{
		binding.NetworkMissing:        {asn, binding.Missing{}},
		binding.NetworkASNChanged:     {uint32(64496), nil},
		binding.NetworkPrefixChanged:  {asn.Network, netip.MustParsePrefix("2001:db8::/32")},
		binding.NetworkIPChanged:      {netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")},
		binding.GeoIPMissing:          {binding.Missing{}, geo},
		binding.GeoIPContinentChanged: {geo.Continent, binding.Continent{}},
		binding.GeoIPCountryChanged:   {geo.Country, binding.Country{ISOCode: "FR"}},
		binding.GeoIPCityChanged:      {binding.City{}, geo.City},
	} {
		t.Run(string(reason), func(t *testing.T) {
			text, err := json.Marshal(&binding.Broken{Reason: reason, Previous: values[0], New: values[1]})
			require.NoError(t, err)
			var read binding.Broken
			require.NoError(t, json.Unmarshal(text, &read))
			again, err := json.Marshal(&read)
			require.NoError(t, err)
			require.JSONEq(t, string(text), string(again))
			require.IsType(t, values[0], read.Previous)
			require.IsType(t, values[1], read.New)
		})
	}
}

func TestBrokenOfALaterReleaseIsKeptAsItIs(t *testing.T) {
	const later = `{"reason":"network.moon","new_value":{"phase":["new",1]},"previous_value":null}`
	var read binding.Broken
	require.NoError(t, json.Unmarshal([]byte(later), &read))
	require.Equal(t, binding.Reason("network.moon"), read.Reason)
	written, err := json.Marshal(&read)
	require.NoError(t, err)
	require.Equal(t, later, string(written))

	require.Error(t, json.Unmarshal([]byte(`{"new_value":1,"previous_value":2}`), &read), "no reason at all")
}
