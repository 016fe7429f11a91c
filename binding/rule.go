package binding

import (
	"encoding/json"
	"net/netip"
	"slices"
)

// A rule is one fact that a policy can ask for. All that is particular to a reason
// stands in its row of rules; a new reason is a new row, and a constant.
type rule struct {
	reason Reason
	kind   ruleKind
	level  uint8 // of the kind: a policy asks for the fact at this level and above it

	// needs are facts; for the rule to be compared, both sides must know one of them. A
	// rule about the records needs none: it holds where both sides know the facts that
	// the policy asks for by later rules of its kind.
	needs factSet

	// One of these compares the fact. A rule about the records has none. They take
	// what is on the heap already, so that nothing else has to move there.
	equalASN func(from, to *ASN) bool
	equalGeo func(from, to *Geo) bool
	equalIP  func(from, to netip.Addr) bool

	// tolerance returns the name of the tolerance that lets the fact differ, or ""
	// where none does. It is nil for a fact that no tolerance is about.
	tolerance func(t Tolerance, from, to Location) string

	value  func(Location) any                 // one side's part of Broken
	decode func(json.RawMessage) (any, error) // reads what value returns from its JSON
}

// factSet is what is known that rules need.
type factSet uint8

const (
	numberFact factSet = 1 << iota
	prefixFact
	continentFact
	countryFact
	cityFact
)

// knownFacts returns what is known of the location.
func knownFacts(l *Location) factSet {
	var known factSet
	if l.ASN != nil && l.ASN.Number != 0 {
		known |= numberFact
	}
	if l.ASN != nil && l.ASN.Network.IsValid() {
		known |= prefixFact
	}
	if l.Geo == nil {
		return known
	}
	if l.Geo.Continent.isKnown() {
		known |= continentFact
	}
	if l.Geo.Country.isKnown() {
		known |= countryFact
	}
	if l.Geo.City.isKnown() {
		known |= cityFact
	}
	return known
}

// ruleKind is the half of a policy that a rule belongs to.
type ruleKind uint8

const (
	networkRule ruleKind = iota
	geoIPRule
)

// rules are all there are, in the order in which they are checked.
var rules = [...]rule{
	{
		reason: NetworkMissing, kind: networkRule, level: uint8(NetworkASN),
		tolerance: Tolerance.forMissing,
		value:     func(l Location) any { return presentOr(l.ASN) },
		decode:    decodeFacts[ASN],
	},
	{
		reason: NetworkASNChanged, kind: networkRule, level: uint8(NetworkASN), needs: numberFact,
		equalASN:  func(from, to *ASN) bool { return from.Number == to.Number },
		tolerance: Tolerance.forNumber,
		value:     func(l Location) any { return l.ASN.Number },
		decode:    decodeValue[uint32],
	},
	{
		reason: NetworkPrefixChanged, kind: networkRule, level: uint8(NetworkASNNetwork), needs: prefixFact,
		equalASN:  func(from, to *ASN) bool { return from.Network == to.Network },
		tolerance: Tolerance.forFamilies,
		value:     func(l Location) any { return l.ASN.Network },
		decode:    decodeValue[netip.Prefix],
	},
	{
		reason: NetworkIPChanged, kind: networkRule, level: uint8(NetworkASNNetworkIP),
		equalIP:   func(from, to netip.Addr) bool { return from.IsValid() && from == to },
		tolerance: Tolerance.forAddress,
		value:     func(l Location) any { return knownOr(Normalize(l.IP)) },
		decode:    decodeValue[netip.Addr],
	},
	{
		reason: GeoIPMissing, kind: geoIPRule, level: uint8(GeoIPContinent),
		tolerance: Tolerance.forMissing,
		value:     func(l Location) any { return presentOr(l.Geo) },
		decode:    decodeFacts[Geo],
	},
	{
		reason: GeoIPContinentChanged, kind: geoIPRule, level: uint8(GeoIPContinent), needs: continentFact,
		equalGeo: func(from, to *Geo) bool { return from.Continent.equal(to.Continent) },
		value:    func(l Location) any { return l.Geo.Continent },
		decode:   decodeValue[Continent],
	},
	{
		reason: GeoIPCountryChanged, kind: geoIPRule, level: uint8(GeoIPCountry), needs: countryFact,
		equalGeo: func(from, to *Geo) bool { return from.Country.equal(to.Country) },
		value:    func(l Location) any { return l.Geo.Country },
		decode:   decodeValue[Country],
	},
	{
		// An unknown city is a fact of its own, since half of all addresses have none,
		// but not in a record that does not even know the country.
		reason: GeoIPCityChanged, kind: geoIPRule, level: uint8(GeoIPCity), needs: countryFact | cityFact,
		equalGeo: (*Geo).sameCity,
		value:    func(l Location) any { return l.Geo.City },
		decode:   decodeValue[City],
	},
}

// comparable reports whether enough is known on both sides to compare the fact.
func (r *rule) comparable(known factSet) bool { return r.needs == 0 || r.needs&known != 0 }

// isOfRecords reports whether the rule is about the records themselves.
func (r *rule) isOfRecords() bool {
	return r.equalASN == nil && r.equalGeo == nil && r.equalIP == nil
}

// equal compares the fact, which both sides know.
func (r *rule) equal(from, to *Location) bool {
	switch {
	case r.equalASN != nil:
		return r.equalASN(from.ASN, to.ASN)
	case r.equalGeo != nil:
		return r.equalGeo(from.Geo, to.Geo)
	default:
		return r.equalIP(Normalize(from.IP), Normalize(to.IP))
	}
}

// index returns the place of the reason's row in rules, or -1 for a reason that has
// none.
func (r Reason) index() int {
	return slices.IndexFunc(rules[:], func(row rule) bool { return row.reason == r })
}

// ruleOf returns the row of the reason, or nil for a reason that has none.
func ruleOf(r Reason) *rule {
	if i := r.index(); i >= 0 {
		return &rules[i]
	}
	return nil
}
