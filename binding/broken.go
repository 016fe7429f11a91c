package binding

import (
	"encoding/json"
	"fmt"
)

// Reason names the fact that no longer holds. It is one of the constants below;
// the zero value is none.
type Reason string

// The reasons, in the order in which they are looked for.
const (
	NetworkMissing        Reason = "network.missing"     // no ASN facts on one side or both
	NetworkASNChanged     Reason = "network.asn"         // another autonomous system
	NetworkPrefixChanged  Reason = "network.asn_network" // another announced prefix
	NetworkIPChanged      Reason = "network.ip"          // another address
	GeoIPMissing          Reason = "geoip.missing"       // no GeoIP facts on one side or both
	GeoIPContinentChanged Reason = "geoip.continent"     // another continent
	GeoIPCountryChanged   Reason = "geoip.country"       // another country
	GeoIPCityChanged      Reason = "geoip.city"          // another city
)

// Broken is a binding that no longer holds, as [Policy.Check] found it. It is
// read-only and safe for concurrent use.
//
// Its JSON is {"reason", "new_value", "previous_value"}.
type Broken struct {
	Reason Reason

	// Previous and New are the two values that differ. By reason:
	//
	//	*.missing            the whole *ASN or *Geo, or Missing{} on the side that lacks it
	//	network.asn          the numbers, uint32; nil: unknown
	//	network.asn_network  the prefixes, netip.Prefix; nil: unknown
	//	network.ip           the addresses, netip.Addr; nil: unknown
	//	geoip.continent      Continent
	//	geoip.country        Country
	//	geoip.city           City
	Previous, New any

	From, To Location // the two locations that were compared
}

// Missing stands for facts that are not known. Its JSON is {}.
type Missing struct{}

// Error says which fact changed, from what to what.
func (b *Broken) Error() string {
	return fmt.Sprintf("binding: %s: was %s, is %s", b.Reason, text(b.Previous), text(b.New))
}

// text is v as it stands in JSON.
func text(v any) string {
	encoded, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(encoded)
}

// newBroken picks the values that reason is about.
func newBroken(reason Reason, from, to Location) *Broken {
	return &Broken{Reason: reason, Previous: reason.value(from), New: reason.value(to), From: from, To: to}
}

// value is the part of l that the reason is about. Every reason but the two
// for missing facts implies that the facts are there.
func (r Reason) value(l Location) any {
	switch r {
	case NetworkMissing:
		return presentOr(l.ASN)
	case NetworkASNChanged:
		return knownOr(l.ASN.Number)
	case NetworkPrefixChanged:
		return knownOr(l.ASN.Network)
	case NetworkIPChanged:
		return knownOr(Normalize(l.IP))
	case GeoIPMissing:
		return presentOr(l.Geo)
	case GeoIPContinentChanged:
		return l.Geo.Continent
	case GeoIPCountryChanged:
		return l.Geo.Country
	case GeoIPCityChanged:
		return l.Geo.City
	default:
		return nil
	}
}

// presentOr is facts, or Missing where there are none.
func presentOr[T any](facts *T) any {
	if facts == nil {
		return Missing{}
	}
	return facts
}

// knownOr is v, or nil for the zero value.
func knownOr[T comparable](v T) any {
	if v == *new(T) {
		return nil
	}
	return v
}
