package binding_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"

	"github.com/mooring-go/mooring/binding"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func ExamplePolicy_atHome() {
	policy := binding.Policy{GeoIP: binding.GeoIPCountry, Tolerance: binding.Tolerance{Local: binding.LocalHold}}

	signIn := binding.Location{
		IP:  netip.MustParseAddr("9.9.9.9"),
		Geo: &binding.Geo{Continent: binding.Continent{Code: "EU"}, Country: binding.Country{ISOCode: "DE"}},
	}
	atHome := binding.Location{IP: netip.MustParseAddr("192.168.1.20")} // behind the same router as the application
	abroad := binding.Location{
		IP:  netip.MustParseAddr("8.8.8.8"),
		Geo: &binding.Geo{Continent: binding.Continent{Code: "EU"}, Country: binding.Country{ISOCode: "FR"}},
	}
	fmt.Println(policy.Explain(signIn, atHome))
	fmt.Println(policy.Explain(signIn, abroad))
	fmt.Println(policy.WithoutTolerance().Explain(signIn, atHome))
	// Output:
	// 9.9.9.9 -> 192.168.1.20: allow; geoip.missing tolerated by local, known -> unknown
	// 9.9.9.9 -> 8.8.8.8: end for geoip.country; geoip.missing holds; geoip.continent holds; geoip.country broken (end), DE -> FR
	// 9.9.9.9 -> 192.168.1.20: end for geoip.missing; geoip.missing broken (end), known -> unknown
}

// in returns a location at ip, in the network and the place that are given; 0 and ""
// for what is not known.
func in(ip string, asn uint32, network, country string) binding.Location {
	l := binding.Location{IP: address(ip)}
	if asn != 0 {
		l.ASN = &binding.ASN{Number: asn, Network: netip.MustParsePrefix(network)}
	}
	if country != "" {
		l.Geo = &binding.Geo{Continent: europe, Country: binding.Country{ISOCode: country}}
	}
	return l
}

func TestTolerance(t *testing.T) {
	const v4Net, v6Net, otherNet = "1.1.0.0/16", "2a00:1::/32", "2.2.0.0/16"
	var (
		v4        = in("1.1.1.1", 64500, v4Net, "DE")
		v4Next    = in("1.1.1.2", 64500, v4Net, "DE")
		v4Mapped  = in("::ffff:1.1.1.2", 64500, v4Net, "DE")
		v4Other   = in("2.2.2.2", 64500, otherNet, "DE")
		v4Partner = in("2.2.2.2", 64501, otherNet, "DE")
		v4Foreign = in("2.2.2.2", 64502, otherNet, "DE")
		v6        = in("2a00:1::1", 64500, v6Net, "DE")
		v6Same    = in("2a00:1::ffff", 64500, v6Net, "DE")
		v6Other   = in("2a00:1:0:1::1", 64500, v6Net, "DE")
		v6Partner = in("2a00:2::1", 64501, "2a00:2::/32", "DE")
		v6Abroad  = in("2a00:1::1", 64500, v6Net, "FR")
		noASN     = in("3.3.3.3", 0, "", "DE")
		noGeo     = in("1.1.1.1", 64500, v4Net, "")
		unlocated = in("3.3.3.3", 0, "", "")
		private   = in("192.168.1.2", 0, "", "")
		private2  = in("10.0.0.1", 0, "", "")
		shared    = in("100.64.0.1", 0, "", "")
		loopback  = in("127.0.0.1", 0, "", "")
		linkLocal = in("fe80::1", 0, "", "")
		reserved  = in("240.0.0.1", 0, "", "")
		nowhere   = binding.Location{}
	)
	tolerance := func(t binding.Tolerance) binding.Tolerance { return t }
	same64 := tolerance(binding.Tolerance{SameIP: binding.PrefixLengths{IPv4: 32, IPv6: 64}})
	same24 := tolerance(binding.Tolerance{SameIP: binding.PrefixLengths{IPv4: 24}})
	learn := tolerance(binding.Tolerance{Families: binding.FamiliesLearn})
	groups := tolerance(binding.Tolerance{ASNGroups: groupsOf(t, "64500+64501")})
	learnGroups := tolerance(binding.Tolerance{Families: binding.FamiliesLearn, ASNGroups: groups.ASNGroups})
	office := tolerance(binding.Tolerance{Exempt: prefixesOf(t, "2.2.2.0/24,192.168.0.0/16")})
	hold := tolerance(binding.Tolerance{Missing: binding.MissingHold})
	sameClass := tolerance(binding.Tolerance{Missing: binding.MissingSameClass})
	localHold := tolerance(binding.Tolerance{Local: binding.LocalHold})
	localBreak := tolerance(binding.Tolerance{Local: binding.LocalBreak, Missing: binding.MissingHold})
	classOrLocal := tolerance(binding.Tolerance{Local: binding.LocalHold, Missing: binding.MissingSameClass})

	const holds = binding.Reason("")
	asn, network, ip := binding.NetworkASN, binding.NetworkASNNetwork, binding.NetworkASNNetworkIP
	country := binding.GeoIPCountry
	for _, test := range []struct {
		name      string
		network   binding.Network
		geoIP     binding.GeoIP
		tolerance binding.Tolerance
		from, to  binding.Location
		want      binding.Reason
	}{
		{"another address in the /64", ip, 0, same64, v6, v6Same, holds},
		{"another address in the /64, not tolerated", ip, 0, binding.Tolerance{}, v6, v6Same, binding.NetworkIPChanged},
		{"another /64", ip, 0, same64, v6, v6Other, binding.NetworkIPChanged},
		{"IPv4 is compared in full beside it", ip, 0, same64, v4, v4Next, binding.NetworkIPChanged},
		{"another address in the /24", ip, 0, same24, v4, v4Next, holds},
		{"another address in the /24, mapped", ip, 0, same24, v4, v4Mapped, holds},
		{"IPv6 is compared in full beside it", ip, 0, same24, v6, v6Same, binding.NetworkIPChanged},
		{"one address that counts as the same does not make up for the network", ip, 0, same24,
			v4, in("1.1.1.2", 64500, "1.1.1.0/24", "DE"), binding.NetworkPrefixChanged},
		{"another family is not the same address", ip, 0, same64, v4, v6, binding.NetworkPrefixChanged},
		{"no address is not the same", ip, 0, same64, at(func(l *binding.Location) { l.IP = netip.Addr{} }), home(), binding.NetworkIPChanged},

		{"other family", ip, country, learn, v4, v6, holds},
		{"other family, back", ip, country, learn, v6, v4, holds},
		{"other family, one address mapped", ip, country, learn, v6, v4Mapped, holds},
		{"other family, not tolerated", network, country, binding.Tolerance{}, v4, v6, binding.NetworkPrefixChanged},
		{"other family in another network", asn, 0, learn, v4, v6Partner, binding.NetworkASNChanged},
		{"other family in another place", ip, country, learn, v4, v6Abroad, binding.GeoIPCountryChanged},
		{"same family", network, 0, learn, v4, v4Other, binding.NetworkPrefixChanged},
		{"same family, mapped", ip, 0, learn, v4, v4Mapped, binding.NetworkIPChanged},
		{"other family of an operator with two networks", ip, country, learnGroups, v4, v6Partner, holds},

		{"network of the same group", asn, 0, groups, v4, v4Partner, holds},
		{"network of no group", asn, 0, groups, v4, v4Foreign, binding.NetworkASNChanged},
		{"network of the same group, another prefix", network, 0, groups, v4, v4Partner, binding.NetworkPrefixChanged},

		{"to an exempt address", ip, country, office, v4, v4Foreign, holds},
		{"to an exempt address that is not in the databases", ip, country, office, v4, private, holds},
		{"from an exempt address", asn, 0, office, v4Foreign, v4, binding.NetworkASNChanged},
		{"from an exempt address that is not in the databases", 0, country, office, private, v4, binding.GeoIPMissing},

		{"facts missing", asn, 0, binding.Tolerance{}, v4, noASN, binding.NetworkMissing},
		{"facts missing, held", asn, 0, hold, v4, noASN, holds},
		{"facts missing before, held", asn, 0, hold, noASN, v4, holds},
		{"facts missing on both sides, held", ip, country, hold, unlocated, unlocated, holds},
		{"place missing, held", 0, country, hold, v4, noGeo, holds},
		{"what is known still counts", asn, country, hold, v4, in("3.3.3.3", 0, "", "FR"), binding.GeoIPCountryChanged},
		{"the address still counts", ip, 0, hold, v4, noASN, binding.NetworkIPChanged},
		{"no address, held", asn, 0, hold, v4, nowhere, holds},
		{"facts missing between public addresses", asn, 0, sameClass, v4, unlocated, holds},
		{"facts missing between private addresses", asn, country, sameClass, private, private2, holds},
		{"facts missing between public and private", asn, 0, sameClass, v4, private, binding.NetworkMissing},
		{"facts missing between shared and private", asn, 0, sameClass, shared, private, binding.NetworkMissing},
		{"no address is of no class", asn, 0, sameClass, nowhere, nowhere, binding.NetworkMissing},

		{"home", asn, country, localHold, v4, private, holds},
		{"away from home", asn, country, localHold, private, v4, holds},
		{"on the host", asn, country, localHold, v4, loopback, holds},
		{"between private addresses", asn, 0, localHold, private, private2, holds},
		{"between public addresses it is as where facts are missing", asn, 0, localHold, v4, unlocated, binding.NetworkMissing},
		{"between a private and a shared address", asn, country, localHold, private, shared, holds},
		{"between a private and a link-local address", asn, country, localHold, private, linkLocal, holds},
		{"between the host and a private address", asn, country, localHold, loopback, private, holds},
		{"a reserved address is not local", asn, 0, localHold, v4, reserved, binding.NetworkMissing},
		{"a reserved address is not local, and no private one is away from it", asn, 0, localHold, private, reserved, holds},
		{"between private addresses, not tolerated though missing facts are", asn, 0, localBreak, private, private2, binding.NetworkMissing},
		{"between private addresses of one class", asn, 0, classOrLocal, private, private2, holds},
		{"no address is not home", asn, 0, localHold, v4, nowhere, binding.NetworkMissing},
		{"from no address", asn, 0, localHold, nowhere, v4, binding.NetworkMissing},
		{"home, not tolerated though missing facts are", asn, 0, localBreak, v4, private, binding.NetworkMissing},
		{"between public addresses, missing facts are", asn, 0, localBreak, v4, unlocated, holds},
		{"what is known of a private address counts", 0, country, localHold, v4, in("10.0.0.1", 0, "", "FR"), binding.GeoIPCountryChanged},
	} {
		t.Run(test.name, func(t *testing.T) {
			policy := binding.Policy{Network: test.network, GeoIP: test.geoIP, Tolerance: test.tolerance}
			require.NoError(t, policy.Validate())
			assert.Equal(t, test.want, reason(policy.Check(test.from, test.to)))
			decision := policy.Explain(test.from, test.to)
			assert.Equal(t, test.want, decision.Decisive)
			assert.Equal(t, test.want == holds && policy.WithoutTolerance().Check(test.from, test.to) != nil, decision.Tolerated())
		})
	}
}

func TestASecondAnchorIsLearned(t *testing.T) {
	var (
		v4        = in("1.1.1.1", 64500, "1.1.0.0/16", "DE")
		v6        = in("2a00:1::1", 64500, "2a00:1::/32", "DE")
		unlocated = in("2a00:1::1", 0, "", "")
		learn     = binding.Tolerance{Families: binding.FamiliesLearn, Missing: binding.MissingHold}
		office    = binding.Tolerance{Families: binding.FamiliesLearn, Missing: binding.MissingHold, Exempt: prefixesOf(t, "2a00::/16")}
	)
	for _, test := range []struct {
		name     string
		policy   binding.Policy
		from, to binding.Location
		want     bool
	}{
		{"other family", binding.Policy{Network: binding.NetworkASNNetwork, Tolerance: learn}, v4, v6, true},
		{"other family, back", binding.Policy{Network: binding.NetworkASNNetworkIP, Tolerance: learn}, v6, v4, true},
		{"same family", binding.Policy{Network: binding.NetworkASNNetworkIP, Tolerance: learn}, v4, v4, false},
		{"strict", binding.Policy{Network: binding.NetworkASNNetworkIP}, v4, v6, false},
		{"a level that no address counts for", binding.Policy{Network: binding.NetworkASN, Tolerance: learn}, v4, v6, false},
		{"nothing to learn at the level of prefixes", binding.Policy{Network: binding.NetworkASNNetwork, Tolerance: learn}, v4, unlocated, false},
		{"an address to learn", binding.Policy{Network: binding.NetworkASNNetworkIP, Tolerance: learn}, v4, unlocated, true},
		{"an exempt address is nobody's", binding.Policy{Network: binding.NetworkASNNetwork, Tolerance: office}, v4, v6, false},
		{"away from an exempt address", binding.Policy{Network: binding.NetworkASNNetwork, Tolerance: office}, v6, v4, true},
		{"no address", binding.Policy{Network: binding.NetworkASNNetwork, Tolerance: learn}, binding.Location{}, v4, false},
	} {
		step := test.policy.Follow(test.from, binding.Drift{}, test.to, signIn)
		assert.Equal(t, test.want, step.Adds.Second == test.to, test.name)
	}
}

func TestPolicyFromJSON(t *testing.T) {
	const text = `{"network":"bind_asn_network_ip","geoip":"bind_continent_country","same_ip":"ipv4=32,ipv6=64",` +
		`"families":"learn","asn_groups":"6805+8881","exempt":"192.0.2.0/24,2001:db8::/32","missing":"hold_same_class",` +
		`"local":"hold","max_moves":5,"actions":"network.asn=report,geoip.city=allow"}`
	var read binding.Policy
	require.NoError(t, json.Unmarshal([]byte(text), &read))
	assert.Equal(t, text, asJSON(t, read))
	assert.NoError(t, read.Validate())
	assert.True(t, read.ASNGroups.Same(6805, 8881))
	assert.True(t, read.Exempt.Contains(address("192.0.2.1")))
	lists := binding.Tolerance{ASNGroups: read.ASNGroups, Exempt: read.Exempt}
	assert.Equal(t, binding.Policy{
		Network: binding.NetworkASNNetworkIP, GeoIP: binding.GeoIPCountry,
		Tolerance: binding.Tolerance{
			SameIP: binding.PrefixLengths{IPv4: 32, IPv6: 64}, Families: binding.FamiliesLearn,
			ASNGroups: lists.ASNGroups, Exempt: lists.Exempt,
			Missing: binding.MissingSameClass, Local: binding.LocalHold, MaxMoves: 5,
		},
		Actions: binding.Actions{}.With(binding.Report, binding.NetworkASNChanged).With(binding.Allow, binding.GeoIPCityChanged),
	}, read)

	for _, wrong := range []string{
		`{"same_ip":"64"}`, `{"families":"both"}`, `{"asn_groups":"x"}`, `{"exempt":"192.0.2.1"}`, `{"missing":"allow"}`,
		`{"local":"home"}`, `{"max_moves":-1}`, `{"actions":"network.asn"}`, `{"actions":{}}`,
	} {
		assert.Error(t, json.Unmarshal([]byte(wrong), new(binding.Policy)), wrong)
	}
}

func TestPolicyValidate(t *testing.T) {
	assert.NoError(t, binding.Policy{}.Validate())
	assert.NoError(t, binding.Tolerance{SameIP: binding.PrefixLengths{IPv4: 16, IPv6: 32}, MaxMoves: 64}.Validate())
	err := binding.Policy{
		Network: 9, GeoIP: 9,
		Tolerance: binding.Tolerance{SameIP: binding.PrefixLengths{IPv4: 8}, Families: 9, Missing: 9, Local: 9, MaxMoves: 65},
		Actions:   binding.Always(9),
	}.Validate()
	for _, want := range []string{
		"network binding", "GeoIP binding", "prefix lengths 8 and 0", "rule for address families", "rule for missing facts",
		"rule for local addresses", "max moves 65", "action",
	} {
		assert.ErrorContains(t, err, want)
	}
	assert.NoError(t, binding.Policy{Actions: binding.Always(binding.Prove), Unproved: binding.Always(binding.Allow)}.Validate())
	assert.ErrorContains(t, binding.Policy{Unproved: binding.Actions{}.With(binding.Prove, binding.GeoIPCityChanged)}.Validate(), "want end, step_up, report or allow")
	assert.ErrorContains(t, binding.Policy{Unproved: binding.Always(9)}.Validate(), "action")
	assert.Error(t, binding.Tolerance{SameIP: binding.PrefixLengths{IPv6: 31}}.Validate())
	assert.Error(t, binding.Tolerance{SameIP: binding.PrefixLengths{IPv4: 33}}.Validate())
}

func TestCheckDoesNotAllocateWhereItHolds(t *testing.T) {
	policy := binding.Policy{Network: binding.NetworkASNNetworkIP, GeoIP: binding.GeoIPCity}
	from, to := home(), home()
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if policy.Check(from, to) != nil {
			t.Error("broken")
		}
	}))
}
