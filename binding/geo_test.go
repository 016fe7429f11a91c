package binding_test

import (
	"net/netip"
	"testing"

	"github.com/mooring-go/mooring/binding"
	"github.com/stretchr/testify/assert"
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
		{"both unknown", binding.Country{}, binding.Country{}, true},
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
		{"empty names", binding.Country{Names: named()}, binding.Country{}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.equal, test.a.Equal(test.b))
			assert.Equal(t, test.equal, test.b.Equal(test.a), "the other way round")

			continent := func(c binding.Country) binding.Continent {
				return binding.Continent{Code: c.ISOCode, GeoNameID: c.GeoNameID, Names: c.Names}
			}
			assert.Equal(t, test.equal, continent(test.a).Equal(continent(test.b)), "continents")

			if test.a.ISOCode == "" && test.b.ISOCode == "" {
				city := func(c binding.Country) binding.City { return binding.City{GeoNameID: c.GeoNameID, Names: c.Names} }
				assert.Equal(t, test.equal, city(test.a).Equal(city(test.b)), "cities")
			}
		})
	}
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
