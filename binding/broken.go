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
	NetworkMissing        Reason = "network.missing"     // a fact that the level asks for is unknown on one side or both
	NetworkASNChanged     Reason = "network.asn"         // another autonomous system
	NetworkPrefixChanged  Reason = "network.asn_network" // another announced prefix
	NetworkIPChanged      Reason = "network.ip"          // another address
	GeoIPMissing          Reason = "geoip.missing"       // a fact that the level asks for is unknown on one side or both
	GeoIPContinentChanged Reason = "geoip.continent"     // another continent
	GeoIPCountryChanged   Reason = "geoip.country"       // another country
	GeoIPCityChanged      Reason = "geoip.city"          // another city
)

// Broken is a binding that no longer holds, as [Policy.Check] found it. It is
// read-only and safe for concurrent use. It is a finding and not an error: a
// function that returns an error wraps it.
//
// Its JSON is {"reason", "new_value", "previous_value"}.
type Broken struct {
	Reason Reason

	// Previous and New are the two values that differ. By reason:
	//
	//	*.missing            the whole *ASN or *Geo, or Missing{} on the side without a record
	//	network.asn          the numbers, uint32
	//	network.asn_network  the prefixes, netip.Prefix
	//	network.ip           the addresses, netip.Addr; nil: unknown
	//	geoip.continent      Continent
	//	geoip.country        Country
	//	geoip.city           City
	Previous, New any

	From, To Location // the two locations that were compared
}

// Missing stands for facts that are not known. Its JSON is {}.
type Missing struct{}

// String says which fact changed, from what to what.
func (b *Broken) String() string {
	if b == nil {
		return "the binding holds"
	}
	return fmt.Sprintf("%s: was %s, is %s", b.Reason, text(b.Previous), text(b.New))
}

// text returns v as it stands in JSON.
func text(v any) string {
	encoded, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(encoded)
}

// broken returns the finding that the rule does not hold.
func (r *rule) broken(from, to Location) *Broken {
	return &Broken{Reason: r.reason, Previous: r.value(from), New: r.value(to), From: from, To: to}
}

// presentOr returns facts, or Missing where there are none.
func presentOr[T any](facts *T) any {
	if facts == nil {
		return Missing{}
	}
	return facts
}

// knownOr returns v, or nil for the zero value.
func knownOr[T comparable](v T) any {
	if v == *new(T) {
		return nil
	}
	return v
}
