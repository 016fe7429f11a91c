package maxmind

import (
	"cmp"
	"math"
	"net/netip"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"
	"github.com/oschwald/maxminddb-golang/v2/mmdbdata"

	"github.com/mooring-go/mooring/binding"
)

// decodeASN reads the record of a network, without its prefix.
func decodeASN(result maxminddb.Result) (binding.ASN, error) {
	var record networkRecord
	if err := result.Decode(&record); err != nil {
		return binding.ASN{}, corrupt(err)
	}
	return binding.ASN(record), nil
}

// networkRecord is a record of a network.
type networkRecord binding.ASN

// UnmarshalMaxMindDBCursor reads the record.
func (n *networkRecord) UnmarshalMaxMindDBCursor(record mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	var work work
	return work.each(record, func(key []byte, value mmdbdata.Cursor) (next mmdbdata.Cursor, err error) {
		switch string(key) {
		case "autonomous_system_number":
			n.Number, next, err = readUint32(value)
		case "autonomous_system_organization":
			n.Organization, next, err = readText(value)
		default:
			next, err = value.Skip()
		}
		return next, err
	})
}

// ofFamily returns the prefix that a record of ip is about. Where the record is
// about more than all of IPv4, that is all of IPv4 for an IPv4 address.
func ofFamily(prefix netip.Prefix, ip netip.Addr) netip.Prefix {
	if ip.Is4() && !prefix.Addr().Is4() {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	return prefix
}

// decodeGeo reads the record of a place. The parts of it that many places have in common
// are read once, and kept in parts.
func decodeGeo(result maxminddb.Result, parts *cache[uint, part]) (binding.Geo, error) {
	record := placeRecord{parts: parts}
	if err := result.Decode(&record); err != nil {
		return binding.Geo{}, corrupt(err)
	}
	geo := record.geo
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

// placeRecord is a record of a place.
type placeRecord struct {
	parts *cache[uint, part]
	work  work
	geo   binding.Geo
}

// A part is a continent, a country or a city, as it stands in the database.
type part struct {
	code, isoCode string
	geoNameID     uint32
	names         binding.Names
}

// UnmarshalMaxMindDBCursor reads the record.
func (p *placeRecord) UnmarshalMaxMindDBCursor(record mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	latitude, longitude := math.NaN(), math.NaN()
	next, err := p.work.each(record, func(key []byte, value mmdbdata.Cursor) (next mmdbdata.Cursor, err error) {
		var read part
		switch string(key) {
		case "continent":
			read, next, err = p.part(value)
			p.geo.Continent = binding.Continent{Code: read.code, GeoNameID: read.geoNameID, Names: read.names}
		case "country":
			read, next, err = p.part(value)
			p.geo.Country = binding.Country{ISOCode: read.isoCode, GeoNameID: read.geoNameID, Names: read.names}
		case "city":
			read, next, err = p.part(value)
			p.geo.City = binding.City{GeoNameID: read.geoNameID, Names: read.names}
		case "location":
			next, err = p.work.each(value, func(key []byte, value mmdbdata.Cursor) (next mmdbdata.Cursor, err error) {
				switch string(key) {
				case "latitude":
					latitude, next, err = readFloat(value)
				case "longitude":
					longitude, next, err = readFloat(value)
				default:
					next, err = value.Skip()
				}
				return next, err
			})
		default:
			next, err = value.Skip()
		}
		return next, err
	})
	p.geo.Coordinates = coordinates(&latitude, &longitude)
	return next, err
}

// part returns a part of the place. A database has each once, and the records that share
// it point there.
func (p *placeRecord) part(value mmdbdata.Cursor) (part, mmdbdata.Cursor, error) {
	offset, err := value.Offset()
	if err != nil {
		return part{}, mmdbdata.Cursor{}, err
	}
	if held := p.parts.get(uint64(offset), offset); held != nil {
		next, err := value.Skip()
		return *held, next, err
	}
	var read part
	next, err := p.work.each(value, func(key []byte, value mmdbdata.Cursor) (next mmdbdata.Cursor, err error) {
		switch string(key) {
		case "code":
			read.code, next, err = readText(value)
		case "iso_code":
			read.isoCode, next, err = readText(value)
		case "geoname_id":
			read.geoNameID, next, err = readUint32(value)
		case "names":
			read.names, next, err = p.work.names(value)
		default:
			next, err = value.Skip()
		}
		return next, err
	})
	if err != nil {
		return part{}, mmdbdata.Cursor{}, err
	}
	return *p.parts.put(uint64(offset), offset, read), next, nil
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
