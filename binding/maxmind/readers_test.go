package maxmind_test

import (
	"errors"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/oschwald/geoip2-golang/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/binding/maxmind"
)

// everyPolicy returns a policy for each pair of levels.
func everyPolicy() []binding.Policy {
	var all []binding.Policy
	for network := binding.NetworkOff; network <= binding.NetworkASNNetworkIP; network++ {
		for geoIP := binding.GeoIPOff; geoIP <= binding.GeoIPCity; geoIP++ {
			all = append(all, binding.Policy{Network: network, GeoIP: geoIP})
		}
	}
	return all
}

// assertAgree checks that two locators find the same facts, cover the same policies
// and decide alike between all addresses.
func assertAgree(t *testing.T, files, readers coverer, addresses []netip.Addr) {
	t.Helper()
	fromFiles, fromReaders := make([]binding.Location, len(addresses)), make([]binding.Location, len(addresses))
	for i, ip := range addresses {
		fromFiles[i], fromReaders[i] = locate(t, files, ip), locate(t, readers, ip)
		assert.NotEmpty(t, fromReaders[i].Generation)
		want := fromFiles[i]
		want.Generation = fromReaders[i].Generation
		require.Equal(t, want, fromReaders[i], ip)
	}
	for _, policy := range everyPolicy() {
		assert.Equal(t, files.Covers(policy) == nil, readers.Covers(policy) == nil, "%v: %v, %v", policy, files.Covers(policy), readers.Covers(policy))
		for i := range addresses {
			j := (i*7 + 3) % len(addresses)
			want, have := policy.Check(fromFiles[i], fromFiles[j]), policy.Check(fromReaders[i], fromReaders[j])
			if want == nil {
				require.Nil(t, have)
				continue
			}
			require.NotNil(t, have)
			require.Equal(t, want.Reason, have.Reason)
			require.Equal(t, asJSON(t, want), asJSON(t, have))
		}
	}
}

func TestReadersAgreeWithFiles(t *testing.T) {
	for name, test := range map[string]struct{ asn, city []byte }{
		"places":             {bindingtest.ASNFile(), bindingtest.CityFile()},
		"later":              {bindingtest.LaterASNFile(), bindingtest.LaterCityFile()},
		"ISP and Enterprise": {bindingtest.ISPFile(), bindingtest.EnterpriseFile()},
		"Country":            {nil, bindingtest.CountryFile()},
		"networks":           {bindingtest.ASNFile(), nil},
		"places alone":       {nil, bindingtest.CityFile()},
		"country codes":      {nil, file(t, "country-code-only.mmdb")},
		"records with less":  {file(t, "unnumbered.mmdb"), file(t, "continent-only-here-and-there.mmdb")},
		"DB-IP":              {nil, file(t, "dbip-city-lite.mmdb")},
		"placeholders":       {nil, file(t, "placeholders.mmdb")},
	} {
		t.Run(name, func(t *testing.T) {
			ways := bothWays(t, test.asn, test.city)
			assertAgree(t, ways["files"], ways["readers"], append(every(), netip.MustParseAddr("64:ff9b::198.51.100.97"),
				netip.MustParseAddr("::ffff:192.0.2.1"), netip.MustParseAddr("2001:db8:1::1%eth0")))
		})
	}
}

// The databases of MOORING_REFERENCE, at every network that they have.
func TestReadersAgreeWithFilesOfTheReference(t *testing.T) {
	reference := os.Getenv("MOORING_REFERENCE")
	if reference == "" {
		t.Skip("MOORING_REFERENCE names no directory with mmdb/")
	}
	content := func(name string) []byte {
		read, err := os.ReadFile(filepath.Join(reference, "mmdb", name))
		require.NoError(t, err)
		return read
	}
	ways := bothWays(t, content("GeoLite2-ASN-Test.mmdb"), content("GeoLite2-City-Test.mmdb"))
	addresses := map[netip.Addr]bool{}
	for _, v := range readVectors(t, reference) {
		addresses[v.LastIP], addresses[v.NewIP] = true, true
	}
	var sorted []netip.Addr
	for ip := range maps.Keys(addresses) {
		sorted = append(sorted, ip)
	}
	assertAgree(t, ways["files"], ways["readers"], sorted)
	assert.NoError(t, ways["readers"].Covers(binding.Policy{Network: binding.NetworkASNNetworkIP, GeoIP: binding.GeoIPCity}))
}

func TestReadersThatCannotAnswer(t *testing.T) {
	for option, readers := range map[string]*maxmind.Readers{
		"ASN":  maxmind.FromReaders(reader(t, bindingtest.CityFile()), nil),
		"City": maxmind.FromReaders(nil, reader(t, bindingtest.ASNFile())),
	} {
		_, err := readers.Locate(t.Context(), bindingtest.Berlin)
		fileError, ok := errors.AsType[*maxmind.FileError](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, option, fileError.Option)
		assert.NotErrorIs(t, err, maxmind.ErrCorrupt)
		strictest := binding.Policy{Network: binding.NetworkASN, GeoIP: binding.GeoIPContinent}
		assert.ErrorIs(t, readers.Covers(strictest), maxmind.ErrNotCovered)
		assert.ErrorContains(t, readers.Covers(strictest), "does not support", "and why")
	}

	closed, err := geoip2.OpenBytes(bindingtest.CityFile())
	require.NoError(t, err)
	readers := maxmind.FromReaders(nil, closed)
	require.NoError(t, closed.Close())
	_, err = readers.Locate(t.Context(), bindingtest.Berlin)
	_, ok := errors.AsType[*maxmind.FileError](err)
	assert.True(t, ok, "a closed reader is no answer: %v", err)

	_, err = readers.Locate(t.Context(), netip.Addr{})
	assert.ErrorIs(t, err, binding.ErrNoAddress)

	none := maxmind.FromReaders(nil, nil)
	assert.Equal(t, binding.Location{IP: bindingtest.Berlin}, locate(t, none, bindingtest.Berlin))
	assert.NoError(t, none.Covers(binding.Policy{}))
	assert.ErrorContains(t, none.Covers(binding.Policy{Network: binding.NetworkASN}), "needs an ASN database")
}

func BenchmarkReaders(b *testing.B) {
	for way, locator := range bothWays(b, bindingtest.ASNFile(), bindingtest.CityFile()) {
		b.Run(way, func(b *testing.B) {
			ctx := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := locator.Locate(ctx, bindingtest.Berlin); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
