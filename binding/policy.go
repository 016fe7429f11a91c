package binding

import "errors"

// Policy says which facts of the place where a session was made must still
// hold where it is used, what is tolerated all the same, and what is done about
// what does not hold. The zero value asks for nothing. Policies are comparable.
type Policy struct {
	Network Network `json:"network,omitempty" yaml:"network"`
	GeoIP   GeoIP   `json:"geoip,omitempty" yaml:"geoip"`
	Tolerance `yaml:",inline"`
	Actions Actions `json:"actions,omitzero" yaml:"actions"`
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

// Learns reports whether to is of the other address family than from, and p
// compares addresses and keeps an anchor per family: to is then compared with
// the anchor of its family too, or becomes it.
func (p Policy) Learns(from, to Location) bool {
	return p.Network >= NetworkASNNetwork && p.crossing(&from, &to)
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
	first, last := 0, len(reasons)
	if p.Network == NetworkOff {
		first = geoIPRules
	}
	if p.GeoIP == GeoIPOff {
		last = geoIPRules
	}
	for _, reason := range reasons[first:max(first, last)] {
		if outcome, _ := p.judge(reason, &from, &to); outcome == Broke {
			return newBroken(reason, from, to)
		}
	}
	return nil
}

// geoIPRules is where in reasons those of GeoIP begin.
const geoIPRules = 4

// judge compares one fact, and says by which tolerance it holds, if by one.
func (p *Policy) judge(reason Reason, from, to *Location) (outcome Outcome, by string) {
	outcome, by = p.judgeStrictly(reason, from, to)
	if outcome == Broke && p.Exempt.Contains(to.IP) {
		return Tolerated, "exempt"
	}
	return outcome, by
}

func (p *Policy) judgeStrictly(reason Reason, from, to *Location) (outcome Outcome, by string) {
	switch reason {
	case NetworkMissing:
		return p.judgeMissing(p.Network != NetworkOff, from.ASN != nil && to.ASN != nil, from, to)
	case GeoIPMissing:
		return p.judgeMissing(p.GeoIP != GeoIPOff, from.Geo != nil && to.Geo != nil, from, to)
	case NetworkIPChanged:
		return p.judgeIP(from, to)
	case NetworkASNChanged, NetworkPrefixChanged:
		if from.ASN == nil || to.ASN == nil {
			return NotCompared, ""
		}
		return p.judgeASN(reason, from, to)
	default:
		if from.Geo == nil || to.Geo == nil {
			return NotCompared, ""
		}
		return p.judgeGeo(reason, from.Geo, to.Geo)
	}
}

func (p *Policy) judgeMissing(asked, present bool, from, to *Location) (Outcome, string) {
	switch {
	case !asked:
		return NotAsked, ""
	case present:
		return Held, ""
	case p.missing(from, to):
		return Tolerated, "missing"
	default:
		return Broke, ""
	}
}

func (p *Policy) judgeASN(reason Reason, from, to *Location) (Outcome, string) {
	if reason == NetworkASNChanged {
		switch {
		case p.Network < NetworkASN:
			return NotAsked, ""
		case from.ASN.Number == to.ASN.Number:
			return Held, ""
		case p.ASNGroups.Same(from.ASN.Number, to.ASN.Number):
			return Tolerated, "asn_groups"
		default:
			return Broke, ""
		}
	}
	switch {
	case p.Network < NetworkASNNetwork:
		return NotAsked, ""
	case from.ASN.Network == to.ASN.Network:
		return Held, ""
	case p.crossing(from, to):
		return Tolerated, "families"
	default:
		return Broke, ""
	}
}

func (p *Policy) judgeIP(from, to *Location) (Outcome, string) {
	a, b := Normalize(from.IP), Normalize(to.IP)
	switch {
	case p.Network < NetworkASNNetworkIP:
		return NotAsked, ""
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

func (p *Policy) judgeGeo(reason Reason, from, to *Geo) (Outcome, string) {
	var level GeoIP
	var equal bool
	switch reason {
	case GeoIPContinentChanged:
		level, equal = GeoIPContinent, from.Continent.Equal(to.Continent)
	case GeoIPCountryChanged:
		level, equal = GeoIPCountry, from.Country.Equal(to.Country)
	case GeoIPCityChanged:
		level, equal = GeoIPCity, from.City.Equal(to.City)
	}
	switch {
	case p.GeoIP < level:
		return NotAsked, ""
	case equal:
		return Held, ""
	default:
		return Broke, ""
	}
}
