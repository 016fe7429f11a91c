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

	// known reports whether both sides have what equal compares. It is nil for what
	// needs no record, and for a rule without equal.
	known func(from, to Location) bool

	// equal compares the fact. It is nil for a rule about the records themselves:
	// that holds where everything is known that the policy asks for of the kind.
	equal func(from, to Location) bool

	// tolerance returns the name of the tolerance that lets the fact differ, or ""
	// where none does. It is nil for a fact that no tolerance is about.
	tolerance func(t Tolerance, from, to Location) string

	value  func(Location) any                 // one side's part of Broken
	decode func(json.RawMessage) (any, error) // reads what value returns from its JSON
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
		reason: NetworkASNChanged, kind: networkRule, level: uint8(NetworkASN),
		known:     both(func(l Location) bool { return l.ASN != nil && l.ASN.Number != 0 }),
		equal:     func(from, to Location) bool { return from.ASN.Number == to.ASN.Number },
		tolerance: Tolerance.forNumber,
		value:     func(l Location) any { return l.ASN.Number },
		decode:    decodeValue[uint32],
	},
	{
		reason: NetworkPrefixChanged, kind: networkRule, level: uint8(NetworkASNNetwork),
		known:     both(func(l Location) bool { return l.ASN != nil && l.ASN.Network.IsValid() }),
		equal:     func(from, to Location) bool { return from.ASN.Network == to.ASN.Network },
		tolerance: Tolerance.forFamilies,
		value:     func(l Location) any { return l.ASN.Network },
		decode:    decodeValue[netip.Prefix],
	},
	{
		reason: NetworkIPChanged, kind: networkRule, level: uint8(NetworkASNNetworkIP),
		equal: func(from, to Location) bool {
			ip := Normalize(from.IP)
			return ip.IsValid() && ip == Normalize(to.IP)
		},
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
		reason: GeoIPContinentChanged, kind: geoIPRule, level: uint8(GeoIPContinent),
		known:  both(hasContinent),
		equal:  func(from, to Location) bool { return from.Geo.Continent.equal(to.Geo.Continent) },
		value:  func(l Location) any { return l.Geo.Continent },
		decode: decodeValue[Continent],
	},
	{
		reason: GeoIPCountryChanged, kind: geoIPRule, level: uint8(GeoIPCountry),
		known:  both(hasCountry),
		equal:  func(from, to Location) bool { return from.Geo.Country.equal(to.Geo.Country) },
		value:  func(l Location) any { return l.Geo.Country },
		decode: decodeValue[Country],
	},
	{
		// An unknown city is a fact of its own, since half of all addresses have none,
		// but not in a record that does not even know the country.
		reason: GeoIPCityChanged, kind: geoIPRule, level: uint8(GeoIPCity),
		known: func(from, to Location) bool {
			return both(hasCountry)(from, to) || both(hasCity)(from, to)
		},
		equal:  func(from, to Location) bool { return from.Geo.sameCity(to.Geo) },
		value:  func(l Location) any { return l.Geo.City },
		decode: decodeValue[City],
	},
}

// both returns a function that reports whether known does of two locations.
func both(known func(Location) bool) func(from, to Location) bool {
	return func(from, to Location) bool { return known(from) && known(to) }
}

func hasContinent(l Location) bool { return l.Geo != nil && l.Geo.Continent.isKnown() }
func hasCountry(l Location) bool   { return l.Geo != nil && l.Geo.Country.isKnown() }
func hasCity(l Location) bool      { return l.Geo != nil && l.Geo.City.isKnown() }

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
