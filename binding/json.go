package binding

import (
	"encoding/json"
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

// MarshalJSON returns {"reason", "new_value", "previous_value"}.
func (b *Broken) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Reason   Reason `json:"reason"`
		New      any    `json:"new_value"`
		Previous any    `json:"previous_value"`
	}{b.Reason, b.New, b.Previous})
}

// known is nil, JSON's null, for the zero value.
func known[T comparable](v T) *T {
	if v == *new(T) {
		return nil
	}
	return &v
}
