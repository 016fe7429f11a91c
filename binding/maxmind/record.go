package maxmind

import (
	"cmp"
	"math"
	"net/netip"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/mooring-go/mooring/binding"
)

// decodeASN reads the record of a network, without its prefix.
func decodeASN(result maxminddb.Result) (binding.ASN, error) {
	var record struct {
		Number       uint32 `maxminddb:"autonomous_system_number"`
		Organization string `maxminddb:"autonomous_system_organization"`
	}
	if err := result.Decode(&record); err != nil {
		return binding.ASN{}, corrupt(err)
	}
	return binding.ASN{Number: record.Number, Organization: record.Organization}, nil
}

// ofFamily returns the prefix that a record of ip is about. Where the record is
// about more than all of IPv4, that is all of IPv4 for an IPv4 address.
func ofFamily(prefix netip.Prefix, ip netip.Addr) netip.Prefix {
	if ip.Is4() && !prefix.Addr().Is4() {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	return prefix
}

// decodeGeo reads the record of a place.
func decodeGeo(result maxminddb.Result) (binding.Geo, error) {
	var record struct {
		Continent struct {
			Code      string        `maxminddb:"code"`
			GeoNameID uint32        `maxminddb:"geoname_id"`
			Names     binding.Names `maxminddb:"names"`
		} `maxminddb:"continent"`
		Country struct {
			ISOCode   string        `maxminddb:"iso_code"`
			GeoNameID uint32        `maxminddb:"geoname_id"`
			Names     binding.Names `maxminddb:"names"`
		} `maxminddb:"country"`
		City struct {
			GeoNameID uint32        `maxminddb:"geoname_id"`
			Names     binding.Names `maxminddb:"names"`
		} `maxminddb:"city"`
		Location struct {
			Latitude  *float64 `maxminddb:"latitude"`
			Longitude *float64 `maxminddb:"longitude"`
		} `maxminddb:"location"`
	}
	if err := result.Decode(&record); err != nil {
		return binding.Geo{}, corrupt(err)
	}
	geo := binding.Geo{
		Continent:   binding.Continent(record.Continent),
		Country:     binding.Country(record.Country),
		City:        binding.City(record.City),
		Coordinates: coordinates(record.Location.Latitude, record.Location.Longitude),
	}
	dropPlaceholders(&geo)
	if needsSubdivision(geo.City) {
		var subdivisions []subdivision
		if err := result.DecodePath(&subdivisions, "subdivisions"); err != nil {
			return binding.Geo{}, corrupt(err)
		}
		geo.Subdivision = nameOf(subdivisions)
	}
	return geo, nil
}

// subdivision is a state, a province or a part of one.
type subdivision struct {
	ISOCode string        `maxminddb:"iso_code"`
	Names   binding.Names `maxminddb:"names"`
}

// needsSubdivision reports whether the city is compared by its name, which others may
// have too.
func needsSubdivision(c binding.City) bool { return c.GeoNameID == 0 && c.Names.English() != "" }

// nameOf returns the codes of subdivisions, or their names where they have none, from
// the largest to the smallest.
func nameOf(subdivisions []subdivision) string {
	var names []string
	for _, s := range subdivisions {
		names = append(names, cmp.Or(s.ISOCode, s.Names.English()))
	}
	return strings.Join(names, "/")
}

// coordinates returns what is known, or nil for what is no place.
func coordinates(latitude, longitude *float64) *binding.Coordinates {
	if !isDegrees(latitude, 90) || !isDegrees(longitude, 180) {
		return nil
	}
	return &binding.Coordinates{Latitude: *latitude, Longitude: *longitude}
}

// isDegrees reports whether v is known and from -limit to limit, which infinity
// and NaN are not.
func isDegrees(v *float64, limit float64) bool { return v != nil && math.Abs(*v) <= limit }
