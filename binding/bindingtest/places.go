package bindingtest

import (
	"net/netip"

	"github.com/mooring-go/mooring/binding"
)

// Places returns a Locator that knows the addresses of this package. It is the
// caller's own: adding networks and places to it changes nothing elsewhere.
//
// No two prefixes of ASNs overlap, and no two side by side are alike: a database
// file would tell those apart, or take them together.
func Places() Locator {
	return Locator{
		Generation: "places",
		ASNs: map[netip.Prefix]binding.ASN{
			prefix("192.0.2.0/27"):      spreeNet,
			prefix("192.0.2.32/27"):     {Number: 64497, Organization: "Spree Mobile"},
			prefix("192.0.2.64/27"):     spreeNet,
			prefix("192.0.2.128/27"):    spreeNet,
			prefix("192.0.2.160/27"):    elbeNet,
			prefix("192.0.2.192/27"):    spreeNet,
			prefix("192.0.2.224/28"):    {Number: 64499, Organization: "Transit Example"},
			prefix("198.51.100.0/27"):   seineNet,
			prefix("198.51.100.32/27"):  {Number: 64501, Organization: "Thames Net"},
			prefix("198.51.100.64/27"):  hudsonNet,
			prefix("198.51.100.96/27"):  {Number: 64503, Organization: "Sumida Net"},
			prefix("198.51.100.128/27"): {Number: 64504, Organization: "Harbour Net"},
			prefix("198.51.100.160/27"): {Number: 64505, Organization: "Tietê Net"},
			prefix("198.51.100.192/27"): {Number: 64506, Organization: "Athi Net"},
			prefix("2001:db8:1::/48"):   spreeNet,
			prefix("2001:db8:2::/48"):   seineNet,
			prefix("3fff:1::/32"):       hudsonNet,
		},
		Geos: map[netip.Prefix]binding.Geo{
			prefix("192.0.2.0/25"):      berlin,
			prefix("192.0.2.128/27"):    munich,
			prefix("192.0.2.160/27"):    hamburg,
			prefix("192.0.2.192/27"):    countryside,
			prefix("192.0.2.240/28"):    berlin,
			prefix("198.51.100.0/27"):   paris,
			prefix("198.51.100.32/27"):  london,
			prefix("198.51.100.64/27"):  newYork,
			prefix("198.51.100.96/27"):  tokyo,
			prefix("198.51.100.128/27"): sydney,
			prefix("198.51.100.160/27"): saoPaulo,
			prefix("198.51.100.192/27"): nairobi,
			prefix("2001:db8:1::/48"):   berlin,
			prefix("2001:db8:2::/48"):   paris,
			prefix("3fff:1::/32"):       newYork,
		},
	}
}

// Later returns what is known of the same addresses a release later:
//
//   - the prefix of Berlin is split, and BerlinNeighbour stays in it;
//   - the prefixes of Munich and Hamburg are merged, under the network of Hamburg;
//   - Paris is announced by the network of New York;
//   - Munich is spelled in another way, with the same GeoName ID;
//   - the city of Countryside became known;
//   - PlaceOnly has a network;
//   - nothing is known of Nairobi any more.
func Later() Locator {
	l := Places()
	l.Generation = "later"

	delete(l.ASNs, prefix("192.0.2.0/27"))
	l.ASNs[prefix("192.0.2.0/28")] = spreeNet
	delete(l.ASNs, prefix("192.0.2.128/27"))
	delete(l.ASNs, prefix("192.0.2.160/27"))
	l.ASNs[prefix("192.0.2.128/26")] = elbeNet
	l.ASNs[prefix("198.51.100.0/27")] = hudsonNet
	l.ASNs[prefix("192.0.2.240/28")] = spreeNet
	delete(l.ASNs, prefix("198.51.100.192/27"))

	renamed := munich
	renamed.City.Names = binding.Names{"en": "Muenchen", "de": "Landeshauptstadt München"}
	l.Geos[prefix("192.0.2.128/27")] = renamed
	l.Geos[prefix("192.0.2.192/27")] = kassel
	delete(l.Geos, prefix("198.51.100.192/27"))
	return l
}

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// Numbers from RFC 5398, held by nobody.
var (
	spreeNet  = binding.ASN{Number: 64496, Organization: "Spree Net"}
	elbeNet   = binding.ASN{Number: 64498, Organization: "Elbe Net"}
	seineNet  = binding.ASN{Number: 64500, Organization: "Seine Net"}
	hudsonNet = binding.ASN{Number: 64502, Organization: "Hudson Net"}
)

var (
	europe       = binding.Continent{Code: "EU", GeoNameID: 6255148, Names: names("Europe", "Europa")}
	africa       = binding.Continent{Code: "AF", GeoNameID: 6255146, Names: names("Africa", "Afrika")}
	asia         = binding.Continent{Code: "AS", GeoNameID: 6255147, Names: names("Asia", "Asien")}
	northAmerica = binding.Continent{Code: "NA", GeoNameID: 6255149, Names: names("North America", "Nordamerika")}
	southAmerica = binding.Continent{Code: "SA", GeoNameID: 6255150, Names: names("South America", "Südamerika")}
	oceania      = binding.Continent{Code: "OC", GeoNameID: 6255151, Names: names("Oceania", "Ozeanien")}

	germany       = binding.Country{ISOCode: "DE", GeoNameID: 2921044, Names: names("Germany", "Deutschland")}
	france        = binding.Country{ISOCode: "FR", GeoNameID: 3017382, Names: names("France", "Frankreich")}
	unitedKingdom = binding.Country{ISOCode: "GB", GeoNameID: 2635167, Names: names("United Kingdom", "Vereinigtes Königreich")}
	unitedStates  = binding.Country{ISOCode: "US", GeoNameID: 6252001, Names: names("United States", "USA")}
	japan         = binding.Country{ISOCode: "JP", GeoNameID: 1861060, Names: names("Japan", "Japan")}
	australia     = binding.Country{ISOCode: "AU", GeoNameID: 2077456, Names: names("Australia", "Australien")}
	brazil        = binding.Country{ISOCode: "BR", GeoNameID: 3469034, Names: names("Brazil", "Brasilien")}
	kenya         = binding.Country{ISOCode: "KE", GeoNameID: 192950, Names: names("Kenya", "Kenia")}

	berlin      = place(europe, germany, city(2950159, "Berlin", "Berlin"), 52.5196, 13.4069)
	munich      = place(europe, germany, city(2867714, "Munich", "München"), 48.1351, 11.582)
	hamburg     = place(europe, germany, city(2911298, "Hamburg", "Hamburg"), 53.5544, 9.9946)
	kassel      = place(europe, germany, city(2892518, "Kassel", "Kassel"), 51.3155, 9.4924)
	countryside = place(europe, germany, binding.City{}, 51.2993, 9.491)
	paris       = place(europe, france, city(2988507, "Paris", "Paris"), 48.8534, 2.3488)
	london      = place(europe, unitedKingdom, city(2643743, "London", "London"), 51.5074, -0.1196)
	newYork     = place(northAmerica, unitedStates, city(5128581, "New York", "New York"), 40.7128, -74.006)
	tokyo       = place(asia, japan, city(1850147, "Tokyo", "Tokio"), 35.6895, 139.6917)
	sydney      = place(oceania, australia, city(2147714, "Sydney", "Sydney"), -33.8672, 151.1997)
	saoPaulo    = place(southAmerica, brazil, city(3448439, "São Paulo", "São Paulo"), -23.5475, -46.6361)
	nairobi     = place(africa, kenya, city(184745, "Nairobi", "Nairobi"), -1.2841, 36.8155)
)

func names(english, german string) binding.Names { return binding.Names{"en": english, "de": german} }

func city(id uint32, english, german string) binding.City {
	return binding.City{GeoNameID: id, Names: names(english, german)}
}

func place(continent binding.Continent, country binding.Country, city binding.City, latitude, longitude float64) binding.Geo {
	return binding.Geo{
		Continent: continent, Country: country, City: city,
		Coordinates: &binding.Coordinates{Latitude: latitude, Longitude: longitude},
	}
}
