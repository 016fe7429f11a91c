package benchmarks

import (
	"math/rand/v2"
	"net/netip"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/binding/maxmind"
)

// files returns the databases that MOORING_BENCH_ASN and MOORING_BENCH_CITY name, or
// else those of bindingtest, which are so small that a processor's cache holds
// them.
func files(tb testing.TB) (asn, city string) {
	if asn, city = os.Getenv("MOORING_BENCH_ASN"), os.Getenv("MOORING_BENCH_CITY"); asn != "" && city != "" {
		return asn, city
	}
	return bindingtest.WriteFiles(tb)
}

func database(tb testing.TB) *maxmind.DB {
	asn, city := files(tb)
	db, err := maxmind.Open(maxmind.Config{ASN: asn, City: city})
	require.NoError(tb, err)
	return db
}

// everything asks for each fact but the prefix and the address.
var everything = binding.Policy{Network: binding.NetworkASN, GeoIP: binding.GeoIPCity}

// A move is from an address to another one where everything still holds.
type move struct {
	from binding.Location
	to   netip.Addr
}

// moves returns n moves within networks that are spread over all of IPv4, the same
// ones in each run. Where the files know few places they repeat.
func moves(tb testing.TB, locator binding.Locator, n int) []move {
	tb.Helper()
	locate := func(ip netip.Addr) binding.Location {
		location, err := locator.Locate(tb.Context(), ip)
		require.NoError(tb, err)
		return location
	}
	random := rand.New(rand.NewPCG(1, 2))
	var found []move
	for tries := 0; len(found) < n && tries < 40*n; tries++ {
		ip := [4]byte{byte(1 + random.IntN(223)), byte(random.IntN(256)), byte(random.IntN(256)), 10}
		from := locate(netip.AddrFrom4(ip))
		ip[3] = 20
		to := locate(netip.AddrFrom4(ip))
		if from.Geo != nil && from.Geo.City.GeoNameID != 0 && everything.Check(from, to) == nil {
			found = append(found, move{from, to.IP})
		}
	}
	if len(found) == 0 {
		found = []move{{locate(bindingtest.Berlin), bindingtest.BerlinNeighbour}}
		require.Nil(tb, everything.Check(found[0].from, locate(bindingtest.BerlinNeighbour)))
	}
	for i := 0; len(found) < n; i++ {
		found = append(found, found[i])
	}
	return found
}

// abroad returns an address in another network and country than from.
func abroad(tb testing.TB, locator binding.Locator, from binding.Location) netip.Addr {
	for _, ip := range []string{"81.2.69.142", "8.8.8.8", bindingtest.London.String()} {
		to, err := locator.Locate(tb.Context(), netip.MustParseAddr(ip))
		require.NoError(tb, err)
		if to.ASN != nil && to.Geo != nil && to.ASN.Number != from.ASN.Number && to.Geo.Country.ISOCode != from.Geo.Country.ISOCode {
			return to.IP
		}
	}
	tb.Fatal("no address is abroad")
	return netip.Addr{}
}
