package binding_test

import (
	"encoding/json"
	"fmt"
	"net/netip"

	"github.com/mooring-go/mooring/binding"
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
	// binding: network.asn: was 64500, is 64501
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
