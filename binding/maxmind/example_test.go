package maxmind_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/binding/maxmind"
)

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	asn, city := filepath.Join(dir, "GeoLite2-ASN.mmdb"), filepath.Join(dir, "GeoLite2-City.mmdb")
	_ = os.WriteFile(asn, bindingtest.ASNFile(), 0o600)
	_ = os.WriteFile(city, bindingtest.CityFile(), 0o600)

	db, err := maxmind.Open(maxmind.Config{ASN: asn, City: city})
	if err != nil {
		log.Fatal(err)
	}
	// In a server: go db.Watch(ctx)

	location, err := db.Locate(context.Background(), bindingtest.Berlin)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(location.ASN.Number, location.ASN.Network, location.Geo.City.Names.English())
	fmt.Println(db.Status().City.Built.Format("2006-01-02"))
	// Output:
	// 64496 192.0.2.0/27 Berlin
	// 2026-01-06
}

func ExampleLoad() {
	db, err := maxmind.Load(bindingtest.ASNFile(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(db.Covers(binding.Policy{Network: binding.NetworkASN}))
	fmt.Println(db.Covers(binding.Policy{GeoIP: binding.GeoIPCountry}))
	// Output:
	// <nil>
	// maxmind: policy not covered: GeoIP binding bind_continent_country needs a City database
}
