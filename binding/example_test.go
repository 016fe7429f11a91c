package binding_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
)

func Example() {
	home := binding.Location{
		IP:  netip.MustParseAddr("192.0.2.1"),
		ASN: &binding.ASN{Number: 64500, Organization: "Example Net", Network: netip.MustParsePrefix("192.0.2.0/24")},
	}
	office := binding.Location{
		IP:  netip.MustParseAddr("198.51.100.1"),
		ASN: &binding.ASN{Number: 64501, Organization: "Example Corp", Network: netip.MustParsePrefix("198.51.100.0/24")},
	}

	policy := binding.Policy{Network: binding.NetworkASN}
	fmt.Println(policy.Check(home, home) == nil)
	fmt.Println(policy.Check(home, office))
	// Output:
	// true
	// network.asn: was 64500, is 64501
}

func ExamplePolicy_Check() {
	berlin := binding.Location{Geo: &binding.Geo{
		Continent: binding.Continent{Code: "EU"}, Country: binding.Country{ISOCode: "DE"},
	}}
	paris := binding.Location{Geo: &binding.Geo{
		Continent: binding.Continent{Code: "EU"}, Country: binding.Country{ISOCode: "FR"},
	}}

	fmt.Println(binding.Policy{GeoIP: binding.GeoIPContinent}.Check(berlin, paris) == nil)
	broken := binding.Policy{GeoIP: binding.GeoIPCountry}.Check(berlin, paris)
	text, _ := json.Marshal(broken)
	fmt.Println(string(text))
	// Output:
	// true
	// {"reason":"geoip.country","new_value":{"iso_code":"FR"},"previous_value":{"iso_code":"DE"}}
}

func ExampleParseNetwork() {
	level, err := binding.ParseNetwork("bind_asn_network")
	fmt.Println(level, err)
	_, err = binding.ParseNetwork("bind_asn_ip")
	fmt.Println(err)
	// Output:
	// bind_asn_network <nil>
	// binding: "bind_asn_ip" is not a network binding, want one of no_binding, bind_asn, bind_asn_network, bind_asn_network_ip
}

func ExampleNormalize() {
	fmt.Println(binding.Normalize(netip.MustParseAddr("::ffff:192.0.2.1")))
	fmt.Println(binding.Normalize(netip.MustParseAddr("fe80::1%eth0")))
	// Output:
	// 192.0.2.1
	// fe80::1
}

// A decision that an event carried is decided again: under another policy, and
// with other databases.
func ExampleDecision() {
	const carried = `{
		"policy": {"network": "bind_asn"},
		"from": {"ip": "192.0.2.1", "asn": {"asn": 64500, "as_org": "Example Net", "network": "192.0.2.0/24"}, "generation": "2026-01-01"},
		"to": {"ip": "192.0.2.200", "asn": {"asn": 64501, "as_org": "Example Mobile", "network": "192.0.2.128/25"}, "generation": "2026-01-01"},
		"rulings": [], "action": "end", "reason": "network.asn"
	}`
	var decision binding.Decision
	if err := json.Unmarshal([]byte(carried), &decision); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(decision.Policy.Explain(decision.From, decision.To))

	tolerant := decision.Policy
	tolerant.ASNGroups, _ = binding.NewASNGroups([]uint32{64500, 64501})
	fmt.Println(tolerant.Explain(decision.From, decision.To))

	later := bindingtest.Locator{ // or what maxmind.Open returns
		ASNs:       map[netip.Prefix]binding.ASN{netip.MustParsePrefix("192.0.2.0/24"): {Number: 64500}},
		Generation: "2026-02-01",
	}
	from, _ := later.Locate(context.Background(), decision.From.IP)
	to, _ := later.Locate(context.Background(), decision.To.IP)
	fmt.Println(decision.Policy.Explain(from, to))
	// Output:
	// 192.0.2.1 -> 192.0.2.200: end for network.asn; network.missing holds; network.asn broken (end), 64500 -> 64501; data "2026-01-01"
	// 192.0.2.1 -> 192.0.2.200: allow; network.missing holds; network.asn tolerated by asn_groups, 64500 -> 64501; data "2026-01-01"
	// 192.0.2.1 -> 192.0.2.200: allow; network.missing holds; network.asn holds; data "2026-02-01"
}
