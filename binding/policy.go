package binding

import "errors"

// Policy says which facts of the place where a session was made must still
// hold where it is used, what is tolerated all the same, and what is done about
// what does not hold. The zero value asks for nothing. Policies are comparable.
type Policy struct {
	Network   Network `json:"network,omitempty" yaml:"network"`
	GeoIP     GeoIP   `json:"geoip,omitempty" yaml:"geoip"`
	Tolerance `yaml:",inline"`
	Actions   Actions `json:"actions,omitzero" yaml:"actions"`
}

// Validate returns every mistake in p, joined.
func (p Policy) Validate() error {
	_, networkErr := p.Network.MarshalText()
	_, geoIPErr := p.GeoIP.MarshalText()
	_, actionsErr := p.Actions.MarshalText()
	return errors.Join(networkErr, geoIPErr, p.Tolerance.Validate(), actionsErr)
}

// Binds reports whether p asks for anything.
func (p Policy) Binds() bool { return p.Network != NetworkOff || p.GeoIP != GeoIPOff }

// Strict is p without its tolerance.
func (p Policy) Strict() Policy {
	p.Tolerance = Tolerance{}
	return p
}

// frozen is p with its lists as they are now, whatever becomes of them.
func (p Policy) frozen() Policy {
	p.ASNGroups, p.Exempt = p.ASNGroups.frozen(), p.Exempt.frozen()
	return p
}

// Learns reports whether to is of the other address family than from, and p
// compares addresses and keeps an anchor per family: to is then compared with
// the anchor of its family too, or becomes it. An exempt address is not the
// user's to learn, and one of which nothing is known has no prefix to learn.
func (p Policy) Learns(from, to Location) bool {
	return p.crossing(&from, &to) && !p.Exempt.Contains(to.IP) &&
		(p.Network >= NetworkASNNetworkIP || (p.Network == NetworkASNNetwork && to.ASN != nil))
}

// Check compares where a session was made, from, with where it is used, to. It
// returns nil if the policy holds, and otherwise the first fact that does not,
// in this order: the network before the place, and within each whether anything
// is known at all before what it is, from the widest to the narrowest.
//
// Check compares the facts that it is given and nothing else: two locations
// with the same address and different facts can be broken. It passes over the
// Actions; [Policy.Explain] says more.
func (p Policy) Check(from, to Location) *Broken {
	if reason := p.first(&from, &to); reason != "" {
		return newBroken(reason, from, to)
	}
	return nil
}

// first is the first fact that does not hold, or empty if the policy holds.
func (p *Policy) first(from, to *Location) Reason {
	first, last := 0, len(reasons)
	if p.Network == NetworkOff {
		first = geoIPRules
	}
	if p.GeoIP == GeoIPOff {
		last = geoIPRules
	}
	for _, reason := range reasons[first:max(first, last)] {
		if outcome, _ := p.judge(reason, from, to); outcome == Broke {
			return reason
		}
	}
	return ""
}

// geoIPRules is where in reasons those of GeoIP begin.
const geoIPRules = 4

// asks reports whether p asks for the fact.
func (p *Policy) asks(reason Reason) bool {
	switch reason {
	case NetworkMissing, NetworkASNChanged:
		return p.Network >= NetworkASN
	case NetworkPrefixChanged:
		return p.Network >= NetworkASNNetwork
	case NetworkIPChanged:
		return p.Network >= NetworkASNNetworkIP
	case GeoIPMissing, GeoIPContinentChanged:
		return p.GeoIP >= GeoIPContinent
	case GeoIPCountryChanged:
		return p.GeoIP >= GeoIPCountry
	default:
		return p.GeoIP >= GeoIPCity
	}
}

// judge compares one fact, and says by which tolerance it holds, if by one.
func (p *Policy) judge(reason Reason, from, to *Location) (outcome Outcome, by string) {
	if !p.asks(reason) {
		return NotAsked, ""
	}
	outcome, by = p.compare(reason, from, to)
	if outcome == Broke && p.Exempt.Contains(to.IP) {
		return Tolerated, "exempt"
	}
	return outcome, by
}

func (p *Policy) compare(reason Reason, from, to *Location) (outcome Outcome, by string) {
	switch reason {
	case NetworkMissing:
		return p.compareMissing(from.ASN != nil && to.ASN != nil, from, to)
	case GeoIPMissing:
		return p.compareMissing(from.Geo != nil && to.Geo != nil, from, to)
	case NetworkIPChanged:
		return p.compareIP(from, to)
	case NetworkASNChanged, NetworkPrefixChanged:
		if from.ASN == nil || to.ASN == nil {
			return NotCompared, ""
		}
		return p.compareASN(reason, from, to)
	default:
		if from.Geo == nil || to.Geo == nil {
			return NotCompared, ""
		}
		return compareGeo(reason, from.Geo, to.Geo), ""
	}
}

func (p *Policy) compareMissing(present bool, from, to *Location) (Outcome, string) {
	if present {
		return Held, ""
	}
	if by, ok := p.missing(from, to); ok {
		return Tolerated, by
	}
	return Broke, ""
}

func (p *Policy) compareASN(reason Reason, from, to *Location) (Outcome, string) {
	byNumber := reason == NetworkASNChanged
	switch {
	case byNumber && from.ASN.Number == to.ASN.Number, !byNumber && from.ASN.Network == to.ASN.Network:
		return Held, ""
	case byNumber && p.ASNGroups.Same(from.ASN.Number, to.ASN.Number):
		return Tolerated, "asn_groups"
	case !byNumber && p.crossing(from, to):
		return Tolerated, "families"
	default:
		return Broke, ""
	}
}

func (p *Policy) compareIP(from, to *Location) (Outcome, string) {
	a, b := Normalize(from.IP), Normalize(to.IP)
	switch {
	case a.IsValid() && a == b:
		return Held, ""
	case p.SameIP.same(a, b):
		return Tolerated, "same_ip"
	case p.crossing(from, to):
		return Tolerated, "families"
	default:
		return Broke, ""
	}
}

func compareGeo(reason Reason, from, to *Geo) Outcome {
	var equal bool
	switch reason {
	case GeoIPContinentChanged:
		equal = from.Continent.Equal(to.Continent)
	case GeoIPCountryChanged:
		equal = from.Country.Equal(to.Country)
	case GeoIPCityChanged:
		equal = from.City.Equal(to.City)
	}
	if equal {
		return Held
	}
	return Broke
}
