package maxmind_test

import (
	"net/netip"
	"os"
	"testing"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/binding/maxmind"
	"github.com/stretchr/testify/require"
)

// benchmarked returns the databases that MOORING_BENCH_ASN and MOORING_BENCH_CITY
// name, or else those of bindingtest, which are too small to miss a processor's
// cache.
func benchmarked(b *testing.B) *maxmind.DB {
	config := maxmind.Config{ASN: os.Getenv("MOORING_BENCH_ASN"), City: os.Getenv("MOORING_BENCH_CITY")}
	if config.ASN == "" || config.City == "" {
		config.ASN, config.City = bindingtest.WriteFiles(b)
	}
	db, err := maxmind.Open(config)
	require.NoError(b, err)
	return db
}

func BenchmarkLocate(b *testing.B) {
	db, ctx := benchmarked(b), b.Context()
	for name, ip := range map[string]netip.Addr{"IPv4": bindingtest.Berlin, "IPv6": bindingtest.BerlinIPv6, "unknown": bindingtest.Unlocated} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := db.Locate(ctx, ip); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLocateAndCheck(b *testing.B) {
	db, ctx := benchmarked(b), b.Context()
	policy := binding.Policy{Network: binding.NetworkASN, GeoIP: binding.GeoIPCity}
	anchor := locate(b, db, bindingtest.Berlin)
	b.ReportAllocs()
	for b.Loop() {
		location, err := db.Locate(ctx, bindingtest.BerlinNeighbour)
		if err != nil || policy.Check(anchor, location) != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	asn, city := bindingtest.ASNFile(), bindingtest.CityFile()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := maxmind.Load(asn, city); err != nil {
			b.Fatal(err)
		}
	}
}
