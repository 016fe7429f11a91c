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

	// Unproved is what is done for each reason where the Actions say [Prove] and the
	// session has no device key to prove: [End], [StepUp], [Report] or [Allow].
	// Attacker: with Report or Allow, what the reason would otherwise stop, wherever
	// the user's browser had no key.
	Unproved Actions `json:"unproved,omitzero" yaml:"unproved"`
}

// errUnproved is returned for a policy that asks for a proof where there can be none.
var errUnproved = errors.New("binding: unproved: prove: want end, step_up, report or allow where there is no device key")

// Validate returns every mistake in p, joined.
func (p Policy) Validate() error {
	_, networkErr := p.Network.MarshalText()
	_, geoIPErr := p.GeoIP.MarshalText()
	_, actionsErr := p.Actions.MarshalText()
	_, unprovedErr := p.Unproved.MarshalText()
	if p.Unproved.have(Prove) {
		unprovedErr = errors.Join(unprovedErr, errUnproved)
	}
	return errors.Join(networkErr, geoIPErr, p.Tolerance.Validate(), actionsErr, unprovedErr)
}

// Binds reports whether p asks for anything.
func (p Policy) Binds() bool { return p.Network != NetworkOff || p.GeoIP != GeoIPOff }

// WithoutTolerance returns p without its [Tolerance].
func (p Policy) WithoutTolerance() Policy {
	p.Tolerance = Tolerance{}
	return p
}

// WithoutKey returns p as it is for a session that has no device key: what Unproved
// says stands wherever the Actions say [Prove]. An Unproved that says Prove too, which
// Validate refuses, is [End].
func (p Policy) WithoutKey() Policy {
	p.Actions = p.Actions.replacing(Prove, p.Unproved.replacing(Prove, Actions{}))
	return p
}

// frozen returns p with its lists as they are now; later changes do not reach it.
func (p Policy) frozen() Policy {
	p.ASNGroups, p.Exempt = p.ASNGroups.frozen(), p.Exempt.frozen()
	return p
}

// Check compares where a session was made, from, with where it is used, to. It
// returns nil if the policy holds, and otherwise the first fact that does not,
// in this order: the network before the place, and within each whether
// everything is known that the policy asks for, before what it is, from the widest
// to the narrowest.
//
// Unknown is not equal: an autonomous system number, a prefix, a continent or a
// country that the policy asks for and one side lacks is network.missing or
// geoip.missing. A city may be unknown, on both sides.
//
// Check compares the facts that it is given and nothing else: two locations
// with the same address and different facts can be broken. It passes over the
// Actions; [Policy.Explain] says more.
func (p Policy) Check(from, to Location) *Broken {
	if r := p.first(&from, &to); r != nil {
		return r.broken(from, to)
	}
	return nil
}

// first returns the first rule that does not hold, or nil if the policy holds.
func (p *Policy) first(from, to *Location) *rule {
	known := knownFacts(from) & knownFacts(to)
	for i := range rules {
		if r := &rules[i]; p.asks(r) && r.comparable(known) && !p.holds(i, known, from, to) && p.tolerated(r, from, to) == "" {
			return r
		}
	}
	return nil
}

// judge returns the outcome of the rule at i, and the tolerance by which it holds, if any.
// known is what both sides know.
func (p *Policy) judge(i int, known factSet, from, to *Location) (outcome Outcome, by string) {
	r := &rules[i]
	switch {
	case !p.asks(r):
		return NotAsked, ""
	case !r.comparable(known):
		return NotCompared, ""
	case p.holds(i, known, from, to):
		return Held, ""
	}
	if by = p.tolerated(r, from, to); by != "" {
		return Tolerated, by
	}
	return Broke, ""
}

// asks reports whether p asks for the fact.
func (p *Policy) asks(r *rule) bool {
	if r.kind == networkRule {
		return uint8(p.Network) >= r.level
	}
	return uint8(p.GeoIP) >= r.level
}

// holds reports whether the fact of the rule at i is equal. For a rule about the
// records it reports whether both sides know the facts that p asks for by later rules
// of its kind.
func (p *Policy) holds(i int, known factSet, from, to *Location) bool {
	r := &rules[i]
	if !r.isOfRecords() {
		return r.equal(from, to)
	}
	for i++; i < len(rules) && rules[i].kind == r.kind && p.asks(&rules[i]); i++ {
		if !rules[i].comparable(known) {
			return false
		}
	}
	return true
}

// tolerated returns the tolerance that lets pass a rule that does not hold, or "".
func (p *Policy) tolerated(r *rule, from, to *Location) (by string) {
	if r.tolerance != nil {
		by = r.tolerance(p.Tolerance, *from, *to)
	}
	if by == "" && p.Exempt.Contains(to.IP) {
		by = "exempt"
	}
	return by
}
