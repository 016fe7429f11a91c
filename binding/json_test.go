package binding_test

import (
	"encoding/json"
	"net/netip"
	"testing"

	"github.com/mooring-go/mooring/binding"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

func TestASNJSON(t *testing.T) {
	for _, test := range []struct {
		asn  binding.ASN
		want string
	}{
		{binding.ASN{}, `{"asn":null,"as_org":null,"network":null}`},
		{binding.ASN{Number: 6805}, `{"asn":6805,"as_org":null,"network":null}`},
		{binding.ASN{Number: 6805, Organization: "Telefonica Germany", Network: netip.MustParsePrefix("5.4.0.0/14")},
			`{"asn":6805,"as_org":"Telefonica Germany","network":"5.4.0.0/14"}`},
	} {
		assert.Equal(t, test.want, asJSON(t, test.asn))
		assert.Equal(t, test.want, asJSON(t, &test.asn), "through a pointer")

		var read binding.ASN
		require.NoError(t, json.Unmarshal([]byte(test.want), &read))
		assert.Equal(t, test.asn, read)
	}
}

func TestASNJSONThatIsMalformedChangesNothing(t *testing.T) {
	for _, text := range []string{`{"asn":-1}`, `{"asn":4294967296}`, `{"network":"5.4.0.0/99"}`, `[]`} {
		asn := binding.ASN{Number: 1, Organization: "kept"}
		require.Error(t, json.Unmarshal([]byte(text), &asn), text)
		assert.Equal(t, binding.ASN{Number: 1, Organization: "kept"}, asn, text)
	}
}

func TestGeoJSON(t *testing.T) {
	assert.JSONEq(t, `{"lat":null,"city":"","long":null,"country":null,"continent":null}`, asJSON(t, binding.Geo{}))
	assert.JSONEq(t, `{"lat":51.2993,"city":"","long":9.491,"country":"DE","continent":"EU"}`, asJSON(t, &binding.Geo{
		Continent: europe, Country: germany, Coordinates: &binding.Coordinates{Latitude: 51.2993, Longitude: 9.491},
	}))
	assert.JSONEq(t, `{"lat":0,"city":"Berlin","long":0,"country":"DE","continent":"EU"}`, asJSON(t, &binding.Geo{
		Continent: europe, Country: germany, City: berlin, Coordinates: &binding.Coordinates{},
	}), "0, 0 is a place")
}

func TestBrokenJSONByReason(t *testing.T) {
	const (
		asn = `{"asn":64500,"as_org":"Example Net","network":"192.0.2.0/24"}`
		geo = `{"lat":52.52,"city":"Berlin","long":13.4,"country":"DE","continent":"EU"}`
	)
	strictest := binding.Policy{Network: binding.NetworkASNNetworkIP, GeoIP: binding.GeoIPCity}
	for _, test := range []struct {
		reason        binding.Reason
		to            func(*binding.Location)
		previous, new string
	}{
		{binding.NetworkMissing, func(l *binding.Location) { l.ASN = nil }, asn, `{}`},
		{binding.NetworkASNChanged, func(l *binding.Location) { l.ASN.Number = 64501 }, `64500`, `64501`},
		{binding.NetworkMissing, func(l *binding.Location) { l.ASN.Number = 0 },
			asn, `{"asn":null,"as_org":"Example Net","network":"192.0.2.0/24"}`},
		{binding.NetworkPrefixChanged, func(l *binding.Location) { l.ASN.Network = netip.MustParsePrefix("2001:db8::/32") },
			`"192.0.2.0/24"`, `"2001:db8::/32"`},
		{binding.NetworkMissing, func(l *binding.Location) { l.ASN.Network = netip.Prefix{} },
			asn, `{"asn":64500,"as_org":"Example Net","network":null}`},
		{binding.NetworkIPChanged, func(l *binding.Location) { l.IP = netip.MustParseAddr("::ffff:192.0.2.2") },
			`"192.0.2.1"`, `"192.0.2.2"`},
		{binding.NetworkIPChanged, func(l *binding.Location) { l.IP = netip.Addr{} }, `"192.0.2.1"`, `null`},
		{binding.GeoIPMissing, func(l *binding.Location) { l.Geo = nil }, geo, `{}`},
		{binding.GeoIPMissing, func(l *binding.Location) { l.Geo.Continent = binding.Continent{} },
			geo, `{"lat":52.52,"city":"Berlin","long":13.4,"country":"DE","continent":null}`},
		{binding.GeoIPMissing, func(l *binding.Location) { l.Geo.Country = binding.Country{} },
			geo, `{"lat":52.52,"city":"Berlin","long":13.4,"country":null,"continent":"EU"}`},
		{binding.GeoIPContinentChanged, func(l *binding.Location) { l.Geo.Continent = asia },
			`{"code":"EU","geoname_id":6255148,"names":{"en":"Europe","de":"Europa"}}`,
			`{"code":"AS","geoname_id":6255147,"names":{"en":"Asia"}}`},
		{binding.GeoIPCountryChanged, func(l *binding.Location) { l.Geo.Country = binding.Country{ISOCode: "FR"} },
			`{"iso_code":"DE","geoname_id":2921044,"names":{"en":"Germany"}}`, `{"iso_code":"FR"}`},
		{binding.GeoIPCityChanged, func(l *binding.Location) { l.Geo.City = binding.City{} },
			`{"geoname_id":2950159,"names":{"en":"Berlin"}}`, `{}`},
	} {
		t.Run(string(test.reason), func(t *testing.T) {
			from, to := home(), at(test.to)

			there := strictest.Check(from, to)
			require.NotNil(t, there)
			assert.Equal(t, test.reason, there.Reason)
			assert.Equal(t, from, there.From)
			assert.Equal(t, to, there.To)
			assert.JSONEq(t, `{"reason":"`+string(test.reason)+`","previous_value":`+test.previous+`,"new_value":`+test.new+`}`, asJSON(t, there))
			assert.Contains(t, there.String(), string(test.reason))

			back := strictest.Check(to, from)
			require.NotNil(t, back)
			assert.JSONEq(t, `{"reason":"`+string(test.reason)+`","previous_value":`+test.new+`,"new_value":`+test.previous+`}`, asJSON(t, back))
		})
	}
}

func TestBrokenWithNothingKnownOnEitherSide(t *testing.T) {
	broken := binding.Policy{Network: binding.NetworkASN}.Check(binding.Location{}, binding.Location{})
	assert.JSONEq(t, `{"reason":"network.missing","previous_value":{},"new_value":{}}`, asJSON(t, broken))
	assert.Equal(t, "network.missing: was {}, is {}", broken.String())
	assert.Equal(t, "the binding holds", (*binding.Broken)(nil).String())
}

// A nil *Broken in an error would not be nil, so that a session whose binding holds
// would end.
func TestBrokenIsNoError(t *testing.T) {
	_, isError := any(new(binding.Broken)).(error)
	assert.False(t, isError)
}

func TestPolicyJSON(t *testing.T) {
	policy := binding.Policy{Network: binding.NetworkASN, GeoIP: binding.GeoIPCountry}
	assert.Equal(t, `{"network":"bind_asn","geoip":"bind_continent_country"}`, asJSON(t, policy))
	assert.Equal(t, `{}`, asJSON(t, binding.Policy{}))

	var read binding.Policy
	require.NoError(t, json.Unmarshal([]byte(asJSON(t, policy)), &read))
	assert.Equal(t, policy, read)
	require.NoError(t, json.Unmarshal([]byte(`{"network":"no_binding","geoip":"no_binding"}`), &read))
	assert.Equal(t, binding.Policy{}, read)
}
