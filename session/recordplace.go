package session

import (
	"net/netip"

	"github.com/mooring-go/mooring/binding"
)

// locationRecord is the form in which a location is kept, with all of its facts.
type locationRecord struct {
	IP         netip.Addr `json:"ip,omitzero"`
	ASN        *asnRecord `json:"asn,omitempty"`
	Geo        *geoRecord `json:"geo,omitempty"`
	Generation string     `json:"generation,omitempty"`
}

// asnRecord is a network. Each part is null where it is unknown.
type asnRecord struct {
	Number       *uint32       `json:"asn"`
	Organization *string       `json:"as_org"`
	Network      *netip.Prefix `json:"network"`
}

type geoRecord struct {
	Continent   placeRecord        `json:"continent,omitzero"`
	Country     placeRecord        `json:"country,omitzero"`
	Subdivision string             `json:"subdivision,omitempty"`
	City        placeRecord        `json:"city,omitzero"`
	At          *coordinatesRecord `json:"at,omitempty"`
}

// placeRecord is a continent, a country or a city: what each of them has.
type placeRecord struct {
	Code      string            `json:"code,omitempty"`     // of a continent
	ISOCode   string            `json:"iso_code,omitempty"` // of a country
	GeoNameID uint32            `json:"geoname_id,omitempty"`
	Names     map[string]string `json:"names,omitempty"`
}

// IsZero reports whether nothing is known of the place.
func (r placeRecord) IsZero() bool {
	return r.Code == "" && r.ISOCode == "" && r.GeoNameID == 0 && len(r.Names) == 0
}

type coordinatesRecord struct {
	Latitude  float64 `json:"Latitude"`
	Longitude float64 `json:"Longitude"`
}

func locationRecordOf(l binding.Location) locationRecord {
	r := locationRecord{IP: l.IP, Generation: l.Generation}
	if l.ASN != nil {
		r.ASN = &asnRecord{known(l.ASN.Number), known(l.ASN.Organization), known(l.ASN.Network)}
	}
	if g := l.Geo; g != nil {
		r.Geo = &geoRecord{
			Continent:   placeRecord{Code: g.Continent.Code, GeoNameID: g.Continent.GeoNameID, Names: g.Continent.Names},
			Country:     placeRecord{ISOCode: g.Country.ISOCode, GeoNameID: g.Country.GeoNameID, Names: g.Country.Names},
			Subdivision: g.Subdivision,
			City:        placeRecord{GeoNameID: g.City.GeoNameID, Names: g.City.Names},
			At:          (*coordinatesRecord)(g.Coordinates),
		}
	}
	return r
}

func (r locationRecord) location() binding.Location {
	l := binding.Location{IP: r.IP, Generation: r.Generation}
	if r.ASN != nil {
		l.ASN = &binding.ASN{Number: valueOf(r.ASN.Number), Organization: valueOf(r.ASN.Organization), Network: valueOf(r.ASN.Network)}
	}
	if g := r.Geo; g != nil {
		l.Geo = &binding.Geo{
			Continent:   binding.Continent{Code: g.Continent.Code, GeoNameID: g.Continent.GeoNameID, Names: g.Continent.Names},
			Country:     binding.Country{ISOCode: g.Country.ISOCode, GeoNameID: g.Country.GeoNameID, Names: g.Country.Names},
			Subdivision: g.Subdivision,
			City:        binding.City{GeoNameID: g.City.GeoNameID, Names: g.City.Names},
			Coordinates: (*binding.Coordinates)(g.At),
		}
	}
	return l
}

// known returns nil, JSON's null, for the zero value.
func known[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func valueOf[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
