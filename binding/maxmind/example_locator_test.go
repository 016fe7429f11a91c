package maxmind_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"
	"strconv"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/mooring-go/mooring/binding"
)

// ipinfo is a locator over a file of IPinfo, whose records are flat.
type ipinfo struct{ *maxminddb.Reader }

func (db ipinfo) Locate(_ context.Context, ip netip.Addr) (binding.Location, error) {
	l := binding.Location{IP: binding.Normalize(ip), Generation: db.Metadata.BuildTime().String()}
	var record struct {
		ASN       string `maxminddb:"asn"`
		Name      string `maxminddb:"as_name"`
		Country   string `maxminddb:"country_code"`
		Continent string `maxminddb:"continent_code"`
	}
	result := db.Lookup(l.IP)
	if err := result.Decode(&record); err != nil || !result.Found() {
		return l, err
	}
	number, _ := strconv.ParseUint(strings.TrimPrefix(record.ASN, "AS"), 10, 32) // 0: unknown
	l.ASN = &binding.ASN{Number: uint32(number), Organization: record.Name, Network: result.Prefix()}
	l.Geo = &binding.Geo{Continent: binding.Continent{Code: record.Continent}, Country: binding.Country{ISOCode: record.Country}}
	return l, nil
}

// A file whose records are laid out in another way is read by a locator of the
// host's own.
func Example_ownLayout() {
	reader, err := maxminddb.Open("testdata/ipinfo-lite.mmdb")
	if err != nil {
		log.Fatal(err)
	}
	var locator binding.Locator = ipinfo{reader}
	l, err := locator.Locate(context.Background(), netip.MustParseAddr("192.0.2.1"))
	fmt.Println(l.ASN.Number, l.ASN.Network, l.Geo.Country.ISOCode, err)
	// Output: 64496 192.0.2.0/24 DE <nil>
}
