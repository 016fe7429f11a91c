package bindingtest_test

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
)

func Example() {
	ctx, places := context.Background(), bindingtest.Places()
	berlin, _ := places.Locate(ctx, bindingtest.Berlin)
	paris, _ := places.Locate(ctx, bindingtest.Paris)

	fmt.Println(berlin.ASN.Organization, berlin.ASN.Network, berlin.Geo.City.Names.English())
	fmt.Println(binding.Policy{GeoIP: binding.GeoIPContinent}.Check(berlin, paris) == nil)
	fmt.Println(binding.Policy{GeoIP: binding.GeoIPCountry}.Check(berlin, paris).Reason)
	// Output:
	// Spree Net 192.0.2.0/27 Berlin
	// true
	// geoip.country
}

func ExampleLocator() {
	office := netip.MustParsePrefix("203.0.113.0/24")
	places := bindingtest.Places()
	places.ASNs[office] = binding.ASN{Number: 64511, Organization: "Office"}

	location, _ := places.Locate(context.Background(), netip.MustParseAddr("203.0.113.80"))
	fmt.Println(location.ASN.Organization, location.ASN.Network)
	// Output: Office 203.0.113.0/24
}
