package binding_test

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/mooring-go/mooring/binding"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// draw takes one of the values, by the least digit of n, and leaves the others.
func draw[T any](n *uint64, values ...T) T {
	value := values[*n%uint64(len(values))]
	*n /= uint64(len(values))
	return value
}

// drawLocation returns the location that n stands for, of few enough that two
// often have something in common. Nothing in it is shared.
func drawLocation(n uint64) binding.Location {
	l := binding.Location{IP: draw(&n, address(""),
		address("1.1.1.1"), address("1.1.1.2"), address("2.2.2.2"), address("::ffff:1.1.1.1"), address("192.168.1.2"), address("100.64.0.1"),
		address("2a00::1"), address("2a00::2"), address("2a00:0:0:1::1"), address("fd00::1"), address("fe80::1%eth0"))}
	if draw(&n, true, true, false) {
		l.ASN = &binding.ASN{
			Number:  draw[uint32](&n, 64500, 64501, 64502, 0),
			Network: draw(&n, netip.Prefix{}, netip.MustParsePrefix("1.1.0.0/16"), netip.MustParsePrefix("2a00::/16")),
		}
	}
	if draw(&n, true, true, false) {
		l.Geo = &binding.Geo{
			Continent: draw(&n, europe, asia, binding.Continent{}),
			Country:   draw(&n, germany, france, binding.Country{ISOCode: "DE"}, binding.Country{}),
			City:      draw(&n, berlin, hamburg, binding.City{Names: binding.Names{"en": "Berlin"}}, binding.City{}),
		}
	}
	return l
}

// drawPolicy returns the policy that n stands for.
func drawPolicy(t *testing.T, n uint64) binding.Policy {
	p := binding.Policy{
		Network: draw(&n, binding.NetworkOff, binding.NetworkASN, binding.NetworkASNNetwork, binding.NetworkASNNetworkIP),
		GeoIP:   draw(&n, binding.GeoIPOff, binding.GeoIPContinent, binding.GeoIPCountry, binding.GeoIPCity),
		Tolerance: binding.Tolerance{
			SameIP:   draw(&n, binding.PrefixLengths{}, binding.PrefixLengths{IPv6: 64}, binding.PrefixLengths{IPv4: 24}, binding.PrefixLengths{IPv4: 16, IPv6: 32}),
			Families: draw(&n, binding.FamiliesStrict, binding.FamiliesLearn),
			Missing:  draw(&n, binding.MissingBreak, binding.MissingHold, binding.MissingSameClass),
			Local:    draw(&n, binding.LocalAsMissing, binding.LocalBreak, binding.LocalHold),
		},
	}
	if draw(&n, false, true) {
		p.ASNGroups = groupsOf(t, "64500+64501")
	}
	if draw(&n, false, true) {
		p.Exempt = prefixesOf(t, "2.2.0.0/16,192.168.0.0/16,2a00:0:0:1::/64")
	}
	for _, r := range everyReason {
		p.Actions = p.Actions.With(draw(&n, binding.End, binding.StepUp, binding.Prove, binding.Report, binding.Allow), r)
	}
	for _, r := range everyReason {
		p.Unproved = p.Unproved.With(draw(&n, binding.End, binding.StepUp, binding.Report, binding.Allow), r)
	}
	return p
}

// fuzzPolicy fuzzes what holds for every policy between any two locations.
func fuzzPolicy(f *testing.F, property func(t *testing.T, p binding.Policy, from, to binding.Location)) {
	seeds := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		f.Add(seeds.Uint64(), seeds.Uint64(), seeds.Uint64())
	}
	for n := range uint64(16) { // nothing tolerated, from and to the same place
		f.Add(n, n, n)
	}
	f.Fuzz(func(t *testing.T, p, from, to uint64) {
		property(t, drawPolicy(t, p), drawLocation(from), drawLocation(to))
	})
}

func FuzzPolicyCheckAgreesWithExplain(f *testing.F) {
	fuzzPolicy(f, func(t *testing.T, p binding.Policy, from, to binding.Location) {
		decision := p.Explain(from, to)
		first, action := binding.Reason(""), binding.Allow
		for _, r := range decision.Rulings {
			if r.Outcome != binding.Broke {
				continue
			}
			if first == "" {
				first = r.Rule
			}
			action = min(action, r.Action)
		}
		assert.Equal(t, first, reason(p.Check(from, to)))
		assert.Equal(t, action, decision.Action)
		assert.Equal(t, first == "", decision.Broken() == nil)
		p.Actions = binding.Actions{}
		assert.Equal(t, p.Check(from, to), p.Explain(from, to).Broken(), "with equal actions the first fact is the decisive one")
	})
}

// A session without a key is never asked for one, and is decided as one with a key
// wherever no proof is asked for.
func FuzzPolicyWithoutKeyNeverProves(f *testing.F) {
	fuzzPolicy(f, func(t *testing.T, p binding.Policy, from, to binding.Location) {
		withoutKey := p.WithoutKey()
		with, without := p.Explain(from, to), withoutKey.Explain(from, to)
		require.Len(t, without.Rulings, len(with.Rulings))
		strictest := binding.Allow
		for i, r := range with.Rulings {
			want := r
			if r.Outcome == binding.Broke && r.Action == binding.Prove {
				want.Action = p.Unproved.For(r.Rule)
			}
			assert.Equal(t, want, without.Rulings[i])
			if r.Outcome == binding.Broke {
				strictest = min(strictest, want.Action)
			}
		}
		assert.Equal(t, strictest, without.Action)
		assert.NotEqual(t, binding.Prove, without.Action)
		assert.Equal(t, reason(p.Check(from, to)), reason(withoutKey.Check(from, to)), "what is broken does not depend on the key")
		assert.Equal(t, withoutKey, withoutKey.WithoutKey())
	})
}

func FuzzPolicyToleranceOnlyForgives(f *testing.F) {
	fuzzPolicy(f, func(t *testing.T, p binding.Policy, from, to binding.Location) {
		strict := p.WithoutTolerance().Check(from, to)
		if strict == nil {
			assert.Nil(t, p.Check(from, to))
		}
		assert.Equal(t, strict != nil && p.Check(from, to) == nil, p.Explain(from, to).Tolerated())
	})
}

// stricter returns the policies that are stricter than p by one step along one axis.
func stricter(p binding.Policy) []binding.Policy {
	var all []binding.Policy
	step := func(change func(q *binding.Policy)) {
		q := p
		if change(&q); q != p {
			all = append(all, q)
		}
	}
	step(func(q *binding.Policy) { q.Network = min(q.Network+1, binding.NetworkASNNetworkIP) })
	step(func(q *binding.Policy) { q.GeoIP = min(q.GeoIP+1, binding.GeoIPCity) })
	step(func(q *binding.Policy) { q.SameIP.IPv4 = 32 })
	if p.SameIP.IPv6 != 0 { // which is all bits
		step(func(q *binding.Policy) { q.SameIP.IPv6 = max(q.SameIP.IPv6, 64) })
		step(func(q *binding.Policy) { q.SameIP.IPv6 = 128 })
	}
	step(func(q *binding.Policy) { q.Families = binding.FamiliesStrict })
	step(func(q *binding.Policy) { q.ASNGroups = nil })
	step(func(q *binding.Policy) { q.Exempt = nil })
	if p.MaxMoves == 0 { // which is any number
		step(func(q *binding.Policy) { q.MaxMoves = 64 })
	} else {
		step(func(q *binding.Policy) { q.MaxMoves = max(1, q.MaxMoves-1) })
	}
	switch p.Missing {
	case binding.MissingHold:
		step(func(q *binding.Policy) { q.Missing = binding.MissingSameClass })
	case binding.MissingSameClass:
		step(func(q *binding.Policy) { q.Missing = binding.MissingBreak })
	}
	switch p.Local {
	case binding.LocalHold:
		step(func(q *binding.Policy) { q.Local = binding.LocalAsMissing })
	case binding.LocalAsMissing:
		step(func(q *binding.Policy) { q.Local = binding.LocalBreak })
	}
	return all
}

func FuzzPolicyStricterNeverForgives(f *testing.F) {
	fuzzPolicy(f, func(t *testing.T, p binding.Policy, from, to binding.Location) {
		if p.Check(from, to) == nil {
			return
		}
		for _, q := range stricter(p) {
			require.NotNil(t, q.Check(from, to), "%+v", q)
		}
	})
}

func FuzzPolicyDecidesByItsInputAlone(f *testing.F) {
	seeds := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		f.Add(seeds.Uint64(), seeds.Uint64(), seeds.Uint64())
	}
	f.Fuzz(func(t *testing.T, p, from, to uint64) {
		decision := drawPolicy(t, p).Explain(drawLocation(from), drawLocation(to))
		again := drawPolicy(t, p).Explain(drawLocation(from), drawLocation(to))
		assert.Equal(t, asJSON(t, decision), asJSON(t, again))
		assert.Equal(t, reason(drawPolicy(t, p).Check(drawLocation(from), drawLocation(to))),
			reason(drawPolicy(t, p).Check(drawLocation(from), drawLocation(to))))
	})
}

// byTheTable returns what each level asks for, as the table of levels has it.
func byTheTable(p binding.Policy, from, to binding.Location) binding.Reason {
	asnOf := func(l binding.Location) binding.ASN {
		if l.ASN == nil {
			return binding.ASN{}
		}
		return *l.ASN
	}
	geoOf := func(l binding.Location) binding.Geo {
		if l.Geo == nil {
			return binding.Geo{}
		}
		return *l.Geo
	}
	unmapped := func(l binding.Location) netip.Addr { return l.IP.Unmap().WithZone("") }
	a, b, c, d := asnOf(from), asnOf(to), geoOf(from), geoOf(to)
	name := func(names binding.Names) string { return names["en"] } // of the names that are drawn
	type place struct {
		id         uint32
		code, name string
	}
	continent := func(g binding.Geo) place {
		return place{g.Continent.GeoNameID, g.Continent.Code, name(g.Continent.Names)}
	}
	country := func(g binding.Geo) place {
		return place{g.Country.GeoNameID, g.Country.ISOCode, name(g.Country.Names)}
	}
	city := func(g binding.Geo) place { return place{id: g.City.GeoNameID, name: name(g.City.Names)} }
	same := func(p, q place) bool {
		switch {
		case p.id != 0 || q.id != 0:
			return p.id == q.id
		case p.code != "" || q.code != "":
			return p.code == q.code
		default:
			return p.name == q.name
		}
	}
	lacks := func(of func(binding.Geo) place) bool { return of(c) == place{} || of(d) == place{} }
	for _, row := range []struct {
		broken bool
		reason binding.Reason
	}{
		{p.Network >= binding.NetworkASN && (a.Number == 0 || b.Number == 0), binding.NetworkMissing},
		{p.Network >= binding.NetworkASNNetwork && (!a.Network.IsValid() || !b.Network.IsValid()), binding.NetworkMissing},
		{p.Network >= binding.NetworkASN && a.Number != b.Number, binding.NetworkASNChanged},
		{p.Network >= binding.NetworkASNNetwork && a.Network != b.Network, binding.NetworkPrefixChanged},
		{p.Network >= binding.NetworkASNNetworkIP && (!from.IP.IsValid() || unmapped(from) != unmapped(to)), binding.NetworkIPChanged},
		{p.GeoIP >= binding.GeoIPContinent && lacks(continent), binding.GeoIPMissing},
		{p.GeoIP >= binding.GeoIPCountry && lacks(country), binding.GeoIPMissing},
		{p.GeoIP >= binding.GeoIPContinent && !same(continent(c), continent(d)), binding.GeoIPContinentChanged},
		{p.GeoIP >= binding.GeoIPCountry && !same(country(c), country(d)), binding.GeoIPCountryChanged},
		{p.GeoIP >= binding.GeoIPCity && !same(city(c), city(d)), binding.GeoIPCityChanged},
	} {
		if row.broken {
			return row.reason
		}
	}
	return ""
}

func FuzzPolicyWithoutToleranceIsTheTable(f *testing.F) {
	fuzzPolicy(f, func(t *testing.T, p binding.Policy, from, to binding.Location) {
		assert.Equal(t, byTheTable(p, from, to), reason(p.WithoutTolerance().Check(from, to)))
	})
}
