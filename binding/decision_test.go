package binding_test

import (
	"encoding/json"
	"net/netip"
	"testing"

	"github.com/mooring-go/mooring/binding"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// strictest is the policy that asks for everything.
var strictest = binding.Policy{Network: binding.NetworkASNNetworkIP, GeoIP: binding.GeoIPCity}

func outcomes(d binding.Decision) []binding.Outcome {
	var all []binding.Outcome
	for _, r := range d.Rulings {
		all = append(all, r.Outcome)
	}
	return all
}

func TestExplainOutcomesInOrder(t *testing.T) {
	const notAsked, notCompared, held, tolerated, broke = binding.NotAsked, binding.NotCompared, binding.Held, binding.Tolerated, binding.Broke
	nothing := binding.Location{IP: netip.MustParseAddr("203.0.113.1")}
	next := at(func(l *binding.Location) { l.IP = netip.MustParseAddr("192.0.2.2") })
	elsewhere := at(func(l *binding.Location) { l.ASN.Number, l.Geo.Country = 64501, france })
	tolerant := strictest
	tolerant.SameIP.IPv4 = 24
	for _, test := range []struct {
		name   string
		policy binding.Policy
		to     binding.Location
		want   []binding.Outcome
	}{
		{"nothing asked", binding.Policy{}, elsewhere,
			[]binding.Outcome{notAsked, notAsked, notAsked, notAsked, notAsked, notAsked, notAsked, notAsked}},
		{"nothing asked, nothing known", binding.Policy{}, nothing,
			[]binding.Outcome{notAsked, notAsked, notAsked, notAsked, notAsked, notAsked, notAsked, notAsked}},
		{"network asked, nothing known", binding.Policy{Network: binding.NetworkASN}, nothing,
			[]binding.Outcome{broke, notCompared, notAsked, notAsked, notAsked, notAsked, notAsked, notAsked}},
		{"country asked", binding.Policy{GeoIP: binding.GeoIPCountry}, elsewhere,
			[]binding.Outcome{notAsked, notAsked, notAsked, notAsked, held, held, broke, notAsked}},
		{"everything asked", strictest, home(), []binding.Outcome{held, held, held, held, held, held, held, held}},
		{"everything asked, nothing known", strictest, nothing,
			[]binding.Outcome{broke, notCompared, notCompared, broke, broke, notCompared, notCompared, notCompared}},
		{"more than the first fact", strictest, elsewhere, []binding.Outcome{held, broke, held, held, held, held, broke, held}},
		{"tolerated", tolerant, next, []binding.Outcome{held, held, held, tolerated, held, held, held, held}},
	} {
		t.Run(test.name, func(t *testing.T) {
			decision := test.policy.Explain(home(), test.to)
			assert.Equal(t, test.want, outcomes(decision))
			for i, r := range decision.Rulings {
				assert.Equal(t, everyReason[i], r.Rule)
				assert.Equal(t, r.Outcome == tolerated, r.By != "", "what is tolerated says by what")
				if r.Outcome == notAsked || r.Outcome == notCompared {
					assert.Nil(t, r.Previous)
					assert.Nil(t, r.New)
				}
			}
		})
	}
}

func TestExplainNamesTheTolerance(t *testing.T) {
	nothing := binding.Location{IP: netip.MustParseAddr("203.0.113.1")}
	next := at(func(l *binding.Location) { l.IP = netip.MustParseAddr("192.0.2.2") })
	v6 := at(func(l *binding.Location) {
		l.IP, l.ASN.Network = netip.MustParseAddr("2001:db8::1"), netip.MustParsePrefix("2001:db8::/32")
	})
	partner := at(func(l *binding.Location) { l.ASN.Number = 64501 })
	for _, test := range []struct {
		by        string
		tolerance binding.Tolerance
		to        binding.Location
		rules     []binding.Reason
	}{
		{"same_ip", binding.Tolerance{SameIP: binding.PrefixLengths{IPv4: 24}}, next, []binding.Reason{binding.NetworkIPChanged}},
		{"families", binding.Tolerance{Families: binding.FamiliesLearn}, v6, []binding.Reason{binding.NetworkPrefixChanged, binding.NetworkIPChanged}},
		{"asn_groups", binding.Tolerance{ASNGroups: groupsOf(t, "64500+64501")}, partner, []binding.Reason{binding.NetworkASNChanged}},
		{"missing", binding.Tolerance{Missing: binding.MissingHold}, binding.Location{IP: home().IP}, []binding.Reason{binding.NetworkMissing, binding.GeoIPMissing}},
		{"exempt", binding.Tolerance{Exempt: prefixesOf(t, "203.0.113.0/24")}, nothing,
			[]binding.Reason{binding.NetworkMissing, binding.NetworkIPChanged, binding.GeoIPMissing}},
	} {
		policy := strictest
		policy.Tolerance = test.tolerance
		decision := policy.Explain(home(), test.to)
		var rules []binding.Reason
		for _, r := range decision.Rulings {
			if r.By != "" {
				assert.Equal(t, test.by, r.By)
				rules = append(rules, r.Rule)
			}
		}
		assert.Equal(t, test.rules, rules, test.by)
		assert.True(t, decision.Tolerated(), test.by)
		assert.Equal(t, binding.Allow, decision.Action)
		assert.Nil(t, decision.Broken())
		assert.Contains(t, decision.String(), "tolerated by "+test.by)
	}
}

func TestTheStrictestActionWins(t *testing.T) {
	elsewhere := at(func(l *binding.Location) {
		l.ASN.Number, l.ASN.Network = 64501, netip.MustParsePrefix("198.51.100.0/24")
		l.Geo.Country, l.Geo.City = france, hamburg
	})
	for text, want := range map[string]struct {
		action binding.Action
		reason binding.Reason
	}{
		"":         {binding.End, binding.NetworkASNChanged},
		"*=report": {binding.Report, binding.NetworkASNChanged},
		"*=allow":  {binding.Allow, binding.NetworkASNChanged},
		"network.asn=report,network.asn_network=allow":                                                        {binding.End, binding.GeoIPCountryChanged},
		"*=allow,geoip.city=step_up,geoip.country=report":                                                     {binding.StepUp, binding.GeoIPCityChanged},
		"*=allow,network.asn_network=report,geoip.country=report":                                             {binding.Report, binding.NetworkPrefixChanged},
		"*=end,network.asn=allow,network.asn_network=allow,geoip.country=allow":                               {binding.End, binding.GeoIPCityChanged},
		"network.ip=end,network.asn=report,network.asn_network=report,geoip.country=report,geoip.city=report": {binding.Report, binding.NetworkASNChanged},
	} {
		policy := strictest
		require.NoError(t, policy.Actions.UnmarshalText([]byte(text)))
		decision := policy.Explain(home(), elsewhere)
		assert.Equal(t, want.action, decision.Action, text)
		assert.Equal(t, want.reason, decision.Decisive, text)
		assert.False(t, decision.Tolerated())

		broken := decision.Broken()
		require.NotNil(t, broken, text)
		assert.Equal(t, want.reason, broken.Reason)
		assert.Equal(t, elsewhere, broken.To)
		for _, r := range decision.Rulings {
			if r.Outcome == binding.Broke {
				assert.Equal(t, policy.Actions.For(r.Rule), r.Action)
			} else {
				assert.Equal(t, binding.Allow, r.Action)
			}
			if r.Rule == want.reason {
				assert.Equal(t, broken.Previous, r.Previous)
				assert.Equal(t, broken.New, r.New)
			}
		}
	}
}

func TestDecisionText(t *testing.T) {
	policy := binding.Policy{Network: binding.NetworkASNNetworkIP, GeoIP: binding.GeoIPCountry}
	policy.SameIP.IPv4 = 24
	policy.Actions = policy.Actions.With(binding.Report, binding.NetworkASNChanged).With(binding.StepUp, binding.GeoIPCountryChanged)
	to := at(func(l *binding.Location) {
		l.IP, l.ASN.Number, l.Geo.Country = netip.MustParseAddr("192.0.2.2"), 64501, france
	})
	assert.Equal(t, "192.0.2.1 -> 192.0.2.2: step_up for geoip.country; network.missing holds; network.asn broken (report), 64500 -> 64501; "+
		"network.asn_network holds; network.ip tolerated by same_ip, 192.0.2.1 -> 192.0.2.2; geoip.missing holds; geoip.continent holds; "+
		"geoip.country broken (step_up), DE -> FR",
		policy.Explain(home(), to).String())
	assert.Equal(t, "192.0.2.1 -> 192.0.2.2: allow", binding.Policy{}.Explain(home(), to).String())
	to.Generation = "2026-01-01"
	assert.Contains(t, policy.Explain(home(), to).String(), `; data "" -> "2026-01-01"`)
	assert.Contains(t, policy.Explain(to, to).String(), `; data "2026-01-01"`)
	nothing := binding.Location{IP: netip.MustParseAddr("203.0.113.1")}
	bare := binding.Location{IP: netip.MustParseAddr("203.0.113.1"), ASN: &binding.ASN{}, Geo: &binding.Geo{
		Continent: binding.Continent{Names: binding.Names{"de": "Asien"}}, City: binding.City{GeoNameID: 7},
	}}
	assert.Contains(t, strictest.Explain(home(), nothing).String(), "network.missing broken (end), known -> unknown")
	noPrefix := at(func(l *binding.Location) { l.ASN.Network, l.Geo.Continent = netip.Prefix{}, binding.Continent{} })
	assert.Contains(t, strictest.Explain(home(), noPrefix).String(), "network.missing broken (end), known -> no prefix")
	assert.Contains(t, strictest.Explain(home(), noPrefix).String(), "geoip.missing broken (end), known -> no continent")
	for _, want := range []string{
		"network.missing broken (end), known -> no number", "geoip.missing broken (end), known -> no country", "geoip.continent broken (end), EU -> Asien",
		`geoip.city broken (end), Berlin -> {"geoname_id":7}`,
	} {
		assert.Contains(t, strictest.Explain(home(), bare).String(), want)
	}
}

// What is written can be read, and decided again: by the same policy to the same
// end, and by another.
func TestDecisionIsReplayed(t *testing.T) {
	policy := strictest
	policy.Tolerance = binding.Tolerance{
		SameIP: binding.PrefixLengths{IPv4: 24, IPv6: 64}, Families: binding.FamiliesLearn, MaxMoves: 3,
		ASNGroups: groupsOf(t, "64500+64501"), Exempt: prefixesOf(t, "198.51.100.0/24"),
		Missing: binding.MissingSameClass, Local: binding.LocalHold,
	}
	policy.Actions = binding.Always(binding.Report)
	for name, to := range map[string]binding.Location{
		"same":           home(),
		"partner":        at(func(l *binding.Location) { l.ASN.Number = 64501 }),
		"unknown number": at(func(l *binding.Location) { l.ASN.Number = 0 }),
		"abroad":         at(func(l *binding.Location) { l.Geo.Country = france }),
		"nothing":        {IP: netip.MustParseAddr("203.0.113.1"), Generation: "2"},
		"nowhere":        {},
		"exempt":         {IP: netip.MustParseAddr("198.51.100.1"), Geo: &binding.Geo{}},
		"IPv6":           at(func(l *binding.Location) { l.IP = netip.MustParseAddr("2001:db8::1") }),
	} {
		t.Run(name, func(t *testing.T) {
			from := home()
			from.Generation = "1"
			decision := policy.Explain(from, to)
			text := asJSON(t, decision)
			var read binding.Decision
			require.NoError(t, json.Unmarshal([]byte(text), &read))
			assert.Equal(t, text, asJSON(t, read))
			assert.Equal(t, from, read.From)
			assert.Equal(t, to, read.To)
			assert.Equal(t, decision.Action, read.Action)
			assert.Equal(t, decision.Decisive, read.Decisive)
			assert.Equal(t, decision.Tolerated(), read.Tolerated())
			assert.Equal(t, decision.String(), read.String())
			assert.Equal(t, decision.Broken(), read.Broken())

			assert.Equal(t, text, asJSON(t, read.Policy.Explain(read.From, read.To)), "again")
			assert.Equal(t, strictest.Explain(from, to), strictest.Explain(read.From, read.To), "under another policy")
		})
	}
}

func TestRulingJSON(t *testing.T) {
	elsewhere := at(func(l *binding.Location) { l.IP = netip.Addr{} })
	decision := binding.Policy{Network: binding.NetworkASNNetworkIP}.Explain(home(), elsewhere)
	assert.JSONEq(t, `{"rule":"network.ip","outcome":"broken","previous_value":"192.0.2.1","new_value":null,"action":"end"}`, asJSON(t, decision.Rulings[3]))
	assert.JSONEq(t, `{"rule":"geoip.city","outcome":"not_asked","action":"allow"}`, asJSON(t, decision.Rulings[7]))

	kept := binding.Ruling{Rule: binding.NetworkASNChanged, Outcome: binding.Held}
	for _, wrong := range []string{
		`[]`, `{"rule":"network.asn","action":"x"}`,
		`{"rule":"","previous_value":1,"new_value":2,"action":"end"}`,
		`{"rule":"network.asn","previous_value":"x","new_value":2,"action":"end"}`,
		`{"rule":"network.asn","previous_value":1,"new_value":[],"action":"end"}`,
		`{"rule":"network.asn","previous_value":1,"action":"end"}`,
	} {
		read := kept
		assert.Error(t, json.Unmarshal([]byte(wrong), &read), wrong)
		assert.Equal(t, kept, read, "unchanged by an error")
	}
}

func TestLocationJSONHasAllFacts(t *testing.T) {
	full := home()
	full.Generation = "2026-01-01"
	for name, l := range map[string]binding.Location{
		"zero":        {},
		"all":         full,
		"IPv6":        {IP: netip.MustParseAddr("2001:db8::1"), ASN: &binding.ASN{Number: 1, Network: netip.MustParsePrefix("2001:db8::/32")}},
		"empty facts": {IP: netip.MustParseAddr("192.0.2.1"), ASN: &binding.ASN{}, Geo: &binding.Geo{}},
		"IDs only":    {Geo: &binding.Geo{Continent: binding.Continent{GeoNameID: 1}, Country: binding.Country{GeoNameID: 2}, City: binding.City{GeoNameID: 3}}},
		"names only":  {Geo: &binding.Geo{City: binding.City{Names: binding.Names{"de": "Köln", "en": "Cologne"}}, Coordinates: &binding.Coordinates{}}},
	} {
		var read binding.Location
		require.NoError(t, json.Unmarshal([]byte(asJSON(t, l)), &read), name)
		assert.Equal(t, l, read, name)
	}
	kept := home()
	require.Error(t, json.Unmarshal([]byte(`{"ip":"x"}`), &kept))
	assert.Equal(t, home(), kept)
}

// What is broken has one name, whatever made the values, and another one where other
// facts or other values are broken.
func TestTheNameOfAMove(t *testing.T) {
	policy := binding.Policy{Network: binding.NetworkASNNetwork, GeoIP: binding.GeoIPCountry, Actions: binding.Always(binding.Prove)}
	germany := func(ip string) binding.Location {
		l := in(ip, 64501, "9.7.0.0/16", "DE")
		l.Geo.Coordinates = &binding.Coordinates{Latitude: 52.5, Longitude: 13.4}
		return l
	}
	from, nowhere := in("9.9.9.9", 64500, "9.9.0.0/16", "DE"), binding.Location{IP: address("9.5.9.9")}
	assert.Empty(t, policy.Explain(from, from).Move())
	moved := policy.Explain(from, germany("9.7.9.9"))
	assert.Equal(t, moved.Move(), policy.Explain(from, germany("9.7.1.1")).Move(), "another address in the same prefix")
	assert.NotEqual(t, moved.Move(), policy.Explain(from, in("9.7.9.9", 64501, "9.7.0.0/16", "FR")).Move(), "one fact more")
	assert.NotEqual(t, moved.Move(), policy.Explain(from, in("9.6.9.9", 64501, "9.6.0.0/16", "DE")).Move(), "another prefix")
	assert.Equal(t, policy.Explain(germany("9.7.9.9"), nowhere).Move(), policy.Explain(germany("9.7.9.9"), nowhere).Move(), "facts behind pointers")

	unknown := func(ip string) string { return policy.Explain(from, binding.Location{IP: address(ip)}).Move() }
	assert.NotEqual(t, unknown("9.5.9.9"), unknown("9.5.9.8"), "one unknown place is not another")
	assert.Equal(t, unknown("9.5.9.9"), unknown("::ffff:9.5.9.9"))
	assert.Equal(t, unknown("2a00:5::9"), unknown("2a00:5::8"), "a temporary address of the same network")
	assert.NotEqual(t, unknown("2a00:5::9"), unknown("2a00:5:0:1::9"))

	policy.Network, policy.SameIP = binding.NetworkASNNetworkIP, binding.PrefixLengths{IPv4: 24, IPv6: 64}
	near := policy.Explain(from, germany("9.7.9.9"))
	assert.Equal(t, near.Move(), policy.Explain(from, germany("9.7.9.1")).Move(), "an address that counts as the same")
	assert.NotEqual(t, near.Move(), policy.Explain(from, germany("9.7.8.9")).Move(), "another address")
	assert.NotEqual(t, near.Move(), policy.Explain(from, binding.Location{}).Move(), "no address")

	var read binding.Decision
	require.NoError(t, json.Unmarshal([]byte(asJSON(t, moved)), &read))
	assert.Equal(t, moved.Move(), read.Move(), "read from JSON")
}
