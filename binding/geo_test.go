package binding_test

import (
	"encoding/json"
	"net/netip"
	"testing"

	"github.com/mooring-go/mooring/binding"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPlacesAreEqual(t *testing.T) {
	named := func(names ...string) binding.Names {
		n := binding.Names{}
		for i := 0; i < len(names); i += 2 {
			n[names[i]] = names[i+1]
		}
		return n
	}
	for _, test := range []struct {
		name  string
		a, b  binding.Country
		equal bool
	}{
		{"same GeoName ID, names spelled in two ways",
			binding.Country{GeoNameID: 1, Names: named("en", "North America", "es", "Norteamérica")},
			binding.Country{GeoNameID: 1, Names: named("en", "Northern America", "es", "América del Norte")}, true},
		{"same GeoName ID, two codes", binding.Country{GeoNameID: 1, ISOCode: "CS"}, binding.Country{GeoNameID: 1, ISOCode: "RS"}, true},
		{"two GeoName IDs, same code and name",
			binding.Country{GeoNameID: 1, ISOCode: "DE", Names: named("en", "Germany")},
			binding.Country{GeoNameID: 2, ISOCode: "DE", Names: named("en", "Germany")}, false},
		{"GeoName ID on one side only, same code",
			binding.Country{GeoNameID: 1, ISOCode: "DE"}, binding.Country{ISOCode: "DE"}, false},
		{"one unknown", binding.Country{GeoNameID: 1}, binding.Country{}, false},
		{"same code, two names", binding.Country{ISOCode: "DE", Names: named("en", "Germany")},
			binding.Country{ISOCode: "DE", Names: named("en", "Deutschland")}, true},
		{"two codes, same name", binding.Country{ISOCode: "DE", Names: named("en", "Germany")},
			binding.Country{ISOCode: "DD", Names: named("en", "Germany")}, false},
		{"code on one side only", binding.Country{ISOCode: "DE"}, binding.Country{Names: named("en", "Germany")}, false},
		{"same name", binding.Country{Names: named("en", "Germany")}, binding.Country{Names: named("en", "Germany", "de", "Deutschland")}, true},
		{"two names", binding.Country{Names: named("en", "Germany")}, binding.Country{Names: named("en", "France")}, false},
		{"name on one side only", binding.Country{Names: named("en", "Germany")}, binding.Country{}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, pair := range [][2]binding.Country{{test.a, test.b}, {test.b, test.a}} {
				assert.Equal(t, test.equal, sameCountry(pair[0], pair[1]))
				assert.Equal(t, test.equal, sameContinent(continentLike(pair[0]), continentLike(pair[1])), "continents")
				if pair[0].ISOCode == "" && pair[1].ISOCode == "" {
					assert.Equal(t, test.equal, sameCity(cityLike(pair[0]), cityLike(pair[1])), "cities")
				}
			}
		})
	}
}

// What is unknown is not equal to what is unknown, but for cities.
func TestUnknownPlaces(t *testing.T) {
	for name, unknown := range map[string]binding.Names{"no names": nil, "empty names": {}, "an empty name": {"en": ""}} {
		assert.False(t, sameCountry(binding.Country{Names: unknown}, binding.Country{}), name)
		assert.False(t, sameContinent(binding.Continent{Names: unknown}, binding.Continent{}), name)
		assert.True(t, sameCity(binding.City{Names: unknown}, binding.City{}), name)
		assert.False(t, sameCity(binding.City{Names: unknown}, berlin), name)
	}
}

func TestCitiesOfOneNameAreToldApartByTheirSubdivisions(t *testing.T) {
	springfield := func(id uint32, subdivision string) binding.Location {
		return at(func(l *binding.Location) {
			l.Geo.City, l.Geo.Subdivision = binding.City{GeoNameID: id, Names: binding.Names{"en": "Springfield"}}, subdivision
		})
	}
	nowhere := func(subdivision string) binding.Location {
		return at(func(l *binding.Location) { l.Geo.City, l.Geo.Subdivision = binding.City{}, subdivision })
	}
	for _, test := range []struct {
		name     string
		from, to binding.Location
		want     binding.Reason
	}{
		{"two states", springfield(0, "Illinois"), springfield(0, "Missouri"), binding.GeoIPCityChanged},
		{"one state", springfield(0, "Illinois"), springfield(0, "Illinois"), ""},
		{"one state is unknown", springfield(0, "Illinois"), springfield(0, ""), binding.GeoIPCityChanged},
		{"both states are unknown", springfield(0, ""), springfield(0, ""), ""},
		{"the ID decides where there is one", springfield(7, "Illinois"), springfield(7, "Missouri"), ""},
		{"two IDs", springfield(7, "Illinois"), springfield(8, "Illinois"), binding.GeoIPCityChanged},
		{"two unknown cities", nowhere("Illinois"), nowhere("Missouri"), ""},
	} {
		for _, pair := range [][2]binding.Location{{test.from, test.to}, {test.to, test.from}} {
			broken := binding.Policy{GeoIP: binding.GeoIPCity}.Check(pair[0], pair[1])
			assert.Equal(t, test.want, reason(broken), test.name)
			if broken != nil {
				assert.NotContains(t, asJSON(t, broken), "Illinois", "the value of geoip.city has the city alone")
			}
		}
	}
	var read binding.Location
	require.NoError(t, json.Unmarshal([]byte(asJSON(t, springfield(0, "Illinois"))), &read))
	assert.Equal(t, springfield(0, "Illinois"), read, "a session keeps it")
}

func sameCountry(a, b binding.Country) bool {
	from, to := at(func(l *binding.Location) { l.Geo.Country = a }), at(func(l *binding.Location) { l.Geo.Country = b })
	return binding.Policy{GeoIP: binding.GeoIPCountry}.Check(from, to) == nil
}

func sameContinent(a, b binding.Continent) bool {
	from, to := at(func(l *binding.Location) { l.Geo.Continent = a }), at(func(l *binding.Location) { l.Geo.Continent = b })
	return binding.Policy{GeoIP: binding.GeoIPContinent}.Check(from, to) == nil
}

func sameCity(a, b binding.City) bool {
	from, to := at(func(l *binding.Location) { l.Geo.City = a }), at(func(l *binding.Location) { l.Geo.City = b })
	return binding.Policy{GeoIP: binding.GeoIPCity}.Check(from, to) == nil
}

func continentLike(c binding.Country) binding.Continent {
	return binding.Continent{Code: c.ISOCode, GeoNameID: c.GeoNameID, Names: c.Names}
}

func cityLike(c binding.Country) binding.City {
	return binding.City{GeoNameID: c.GeoNameID, Names: c.Names}
}

func TestEnglishName(t *testing.T) {
	for _, test := range []struct {
		names binding.Names
		want  string
	}{
		{nil, ""},
		{binding.Names{"de": "München", "en": "Munich", "ar": "ميونخ"}, "Munich"},
		{binding.Names{"fr": "Munich", "de": "München", "ja": "ミュンヘン"}, "München"},
	} {
		assert.Equal(t, test.want, test.names.English())
	}
}

func TestNormalize(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1":             "192.0.2.1",
		"::ffff:192.0.2.1":      "192.0.2.1",
		"::ffff:192.0.2.1%eth0": "192.0.2.1",
		"2001:db8::1":           "2001:db8::1",
		"fe80::1%eth0":          "fe80::1",
		"::192.0.2.1":           "::192.0.2.1", // compatible, not mapped
		"64:ff9b::192.0.2.1":    "64:ff9b::c000:201",
	} {
		assert.Equal(t, netip.MustParseAddr(want), binding.Normalize(netip.MustParseAddr(in)), in)
	}
	assert.False(t, binding.Normalize(netip.Addr{}).IsValid(), "the zero address stays zero")
}
