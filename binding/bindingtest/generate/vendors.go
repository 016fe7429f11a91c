package main

import (
	"net/netip"

	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// The databases of package maxmind's own tests: of other makers, and with less than
// their types say. The addresses and what is said of them are invented.

type vendorFile struct {
	name, databaseType string
	records            map[netip.Prefix]mmdbtype.Map
}

const vendorDirectory = "../../maxmind/testdata/"

func vendorFiles() []vendorFile {
	return []vendorFile{
		{"country-code-only.mmdb", "GeoLite2-Country", map[netip.Prefix]mmdbtype.Map{
			netip.MustParsePrefix("192.0.2.0/24"):    {"country": mmdbtype.Map{"iso_code": mmdbtype.String("DE")}},
			netip.MustParsePrefix("198.51.100.0/24"): {"country": mmdbtype.Map{"iso_code": mmdbtype.String("JP")}},
		}},
		{"continent-only-here-and-there.mmdb", "GeoLite2-City", map[netip.Prefix]mmdbtype.Map{
			netip.MustParsePrefix("192.0.2.0/25"):    nested("EU", "DE", "", "Berlin"),
			netip.MustParsePrefix("192.0.2.128/25"):  nested("EU", "", "", ""),
			netip.MustParsePrefix("198.51.100.0/25"): nested("EU", "", "", ""),
			netip.MustParsePrefix("203.0.113.0/25"):  {"traits": mmdbtype.Map{"is_anycast": mmdbtype.Bool(true)}},
		}},
		{"city-in-the-last-record.mmdb", "GeoLite2-City", cityInTheLast(300)},
		{"dbip-city-lite.mmdb", "DBIP-City-Lite", map[netip.Prefix]mmdbtype.Map{
			netip.MustParsePrefix("192.0.2.0/25"):   nested("NA", "US", "Illinois", "Springfield"),
			netip.MustParsePrefix("192.0.2.128/25"): nested("NA", "US", "Missouri", "Springfield"),
			netip.MustParsePrefix("2001:db8::/32"):  nested("NA", "US", "Illinois", "Springfield"),
		}},
		{"placeholders.mmdb", "DBIP-City-Lite", map[netip.Prefix]mmdbtype.Map{
			netip.MustParsePrefix("192.0.2.0/25"):    nested("ZZ", "ZZ", "", ""),
			netip.MustParsePrefix("198.51.100.0/25"): nested("-", "-", "-", "-"),
			netip.MustParsePrefix("203.0.113.0/25"):  nested("--", "--", "", ""),
			netip.MustParsePrefix("192.0.2.128/25"):  nested("EU", "DE", "", "Munich"),
		}},
		{"unheard-of-type.mmdb", "Example-Shield-City", map[netip.Prefix]mmdbtype.Map{
			netip.MustParsePrefix("192.0.2.0/24"): nested("EU", "DE", "", "Berlin"),
		}},
		{"ipinfo-lite.mmdb", "ipinfo ipinfo_lite.mmdb", map[netip.Prefix]mmdbtype.Map{
			netip.MustParsePrefix("192.0.2.0/24"): flat("AS64496", "Spree Net", "Germany", "DE", "Europe", "EU"),
		}},
		{"unnumbered.mmdb", "GeoIP2-ISP", map[netip.Prefix]mmdbtype.Map{
			netip.MustParsePrefix("192.0.2.0/25"): {
				"autonomous_system_number": mmdbtype.Uint32(64496), "autonomous_system_organization": mmdbtype.String("Spree Net"),
			},
			netip.MustParsePrefix("192.0.2.128/25"):  {"autonomous_system_organization": mmdbtype.String("Elbe Net")},
			netip.MustParsePrefix("198.51.100.0/24"): {"isp": mmdbtype.String("Havel Net")},
		}},
	}
}

// cityInTheLast returns n records without a city, and one with a city behind them.
func cityInTheLast(n int) map[netip.Prefix]mmdbtype.Map {
	records := map[netip.Prefix]mmdbtype.Map{}
	for i := range n {
		ip := netip.AddrFrom4([4]byte{198, 18, byte(i / 64), byte(i % 64 * 4)})
		records[netip.PrefixFrom(ip, 30)] = nested("EU", [...]string{"DE", "FR"}[i%2], "", "")
	}
	records[netip.MustParsePrefix("203.0.113.0/24")] = nested("EU", "DE", "", "Berlin")
	return records
}

// nested returns a record as MaxMind and DB-IP Lite have it, without GeoName IDs.
func nested(continent, country, subdivision, city string) mmdbtype.Map {
	named := func(name string) mmdbtype.Map {
		return mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(name)}}
	}
	record := mmdbtype.Map{"continent": mmdbtype.Map{"code": mmdbtype.String(continent)}}
	if country != "" {
		record["country"] = mmdbtype.Map{"iso_code": mmdbtype.String(country)}
	}
	if subdivision != "" {
		record["subdivisions"] = mmdbtype.Slice{named(subdivision)}
	}
	if city != "" {
		record["city"] = named(city)
	}
	return record
}

// flat returns a record as IPinfo has it.
func flat(asn, name, country, countryCode, continent, continentCode string) mmdbtype.Map {
	return mmdbtype.Map{
		"asn": mmdbtype.String(asn), "as_name": mmdbtype.String(name), "as_domain": mmdbtype.String("spree.example"),
		"country": mmdbtype.String(country), "country_code": mmdbtype.String(countryCode),
		"continent": mmdbtype.String(continent), "continent_code": mmdbtype.String(continentCode),
	}
}
