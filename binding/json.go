package binding

import (
	"encoding/json"
	"errors"
	"net/netip"
)

// MarshalJSON returns {"asn", "as_org", "network"}, null for what is unknown.
func (a ASN) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Number       *uint32       `json:"asn"`
		Organization *string       `json:"as_org"`
		Network      *netip.Prefix `json:"network"`
	}{known(a.Number), known(a.Organization), known(a.Network)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (a *ASN) UnmarshalJSON(text []byte) error {
	var read struct {
		Number       uint32       `json:"asn"`
		Organization string       `json:"as_org"`
		Network      netip.Prefix `json:"network"`
	}
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	*a = ASN(read)
	return nil
}

// MarshalJSON returns {"lat", "city", "long", "country", "continent"}: "" for
// an unknown city, null for anything else that is unknown.
func (g Geo) MarshalJSON() ([]byte, error) {
	var latitude, longitude *float64
	if g.Coordinates != nil {
		latitude, longitude = &g.Coordinates.Latitude, &g.Coordinates.Longitude
	}
	return json.Marshal(struct {
		Latitude  *float64 `json:"lat"`
		City      string   `json:"city"`
		Longitude *float64 `json:"long"`
		Country   *string  `json:"country"`
		Continent *string  `json:"continent"`
	}{latitude, g.City.Names.English(), longitude, known(g.Country.ISOCode), known(g.Continent.Code)})
}

// UnmarshalJSON reads what MarshalJSON writes. Since that is a summary, the
// GeoName IDs and all names but the city's are unknown afterwards.
func (g *Geo) UnmarshalJSON(text []byte) error {
	var read struct {
		Latitude  *float64 `json:"lat"`
		City      string   `json:"city"`
		Longitude *float64 `json:"long"`
		Country   string   `json:"country"`
		Continent string   `json:"continent"`
	}
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	*g = Geo{Continent: Continent{Code: read.Continent}, Country: Country{ISOCode: read.Country}}
	if read.City != "" {
		g.City.Names = Names{"en": read.City}
	}
	if read.Latitude != nil && read.Longitude != nil {
		g.Coordinates = &Coordinates{*read.Latitude, *read.Longitude}
	}
	return nil
}

// MarshalJSON returns {"reason", "new_value", "previous_value"}.
func (b *Broken) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Reason   Reason `json:"reason"`
		New      any    `json:"new_value"`
		Previous any    `json:"previous_value"`
	}{b.Reason, b.New, b.Previous})
}

// locationJSON is a Location with all of its facts: a Geo's own JSON is a
// summary.
type locationJSON struct {
	IP         netip.Addr `json:"ip,omitzero"`
	ASN        *ASN       `json:"asn,omitempty"`
	Geo        *geoJSON   `json:"geo,omitempty"`
	Generation string     `json:"generation,omitempty"`
}

type geoJSON struct {
	Continent   Continent    `json:"continent,omitzero"`
	Country     Country      `json:"country,omitzero"`
	Subdivision string       `json:"subdivision,omitempty"`
	City        City         `json:"city,omitzero"`
	Coordinates *Coordinates `json:"at,omitempty"`
}

// MarshalJSON returns the location with all its facts, which UnmarshalJSON reads
// back as they were.
func (l Location) MarshalJSON() ([]byte, error) {
	return json.Marshal(locationJSON{l.IP, l.ASN, (*geoJSON)(l.Geo), l.Generation})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (l *Location) UnmarshalJSON(text []byte) error {
	var read locationJSON
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	*l = Location{read.IP, read.ASN, (*Geo)(read.Geo), read.Generation}
	return nil
}

// UnmarshalJSON reads what MarshalJSON writes. The values have the types that
// [Broken] names for the reason; From and To are unknown afterwards. The values of a
// reason that is none of the constants, as a later release may have written it, are
// [json.RawMessage], and are written back as they were.
func (b *Broken) UnmarshalJSON(text []byte) error {
	var read struct {
		Reason   Reason          `json:"reason"`
		New      json.RawMessage `json:"new_value"`
		Previous json.RawMessage `json:"previous_value"`
	}
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	previous, err := read.Reason.decode(read.Previous)
	if err != nil {
		return err
	}
	changed, err := read.Reason.decode(read.New)
	if err != nil {
		return err
	}
	*b = Broken{Reason: read.Reason, Previous: previous, New: changed}
	return nil
}

// decode reads a value of the type that the reason is about.
func (r Reason) decode(text json.RawMessage) (any, error) {
	if row := ruleOf(r); row != nil {
		return row.decode(text)
	}
	if r == "" {
		return nil, errors.New("binding: no reason")
	}
	return text, nil
}

// decodeFacts returns the facts, or Missing for {}.
func decodeFacts[T any](text json.RawMessage) (any, error) {
	if string(text) == "{}" {
		return Missing{}, nil
	}
	var facts T
	err := json.Unmarshal(text, &facts)
	return &facts, err
}

// decodeValue returns the value, or nil for null.
func decodeValue[T any](text json.RawMessage) (any, error) {
	if string(text) == "null" {
		return nil, nil
	}
	var value T
	err := json.Unmarshal(text, &value)
	return value, err
}

// known returns a pointer to v, or nil, JSON's null, for the zero value.
func known[T comparable](v T) *T {
	if v == *new(T) {
		return nil
	}
	return &v
}
