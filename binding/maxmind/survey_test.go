package maxmind_test

import (
	"errors"
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

// file returns a database of testdata; package bindingtest/generate makes them.
func file(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return content
}

// coverer is a locator that knows what it covers.
type coverer interface {
	binding.Locator
	binding.Coverer
}

// bothWays returns locators over the same databases: files, and readers of the host.
// Either may be nil.
func bothWays(t testing.TB, asn, city []byte) map[string]coverer {
	t.Helper()
	return map[string]coverer{"files": load(t, asn, city), "readers": maxmind.FromReaders(reader(t, asn), reader(t, city))}
}

// reader returns a reader of the host, or nil for no content.
func reader(t testing.TB, content []byte) *geoip2.Reader {
	t.Helper()
	if content == nil {
		return nil
	}
	opened, err := geoip2.OpenBytes(content)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, opened.Close()) })
	return opened
}

// A file covers what its records know, whatever its type says.
func TestWhatAFileCoversIsFoundOutFromItsRecords(t *testing.T) {
	for name, locator := range bothWays(t, nil, file(t, "country-code-only.mmdb")) {
		for level := binding.GeoIPContinent; level <= binding.GeoIPCity; level++ {
			policy := binding.Policy{GeoIP: level}
			assert.ErrorIs(t, locator.Covers(policy), maxmind.ErrNotCovered, "%s: %s", name, level)
			assert.ErrorContains(t, locator.Covers(policy), "continent", name)
			broken := policy.Check(locate(t, locator, bindingtest.Berlin), locate(t, locator, bindingtest.Tokyo))
			require.NotNil(t, broken, "%s: %s holds everywhere", name, level)
			assert.Equal(t, binding.GeoIPMissing, broken.Reason, name)
		}
		assert.NotContains(t, locator.Covers(binding.Policy{GeoIP: binding.GeoIPCountry}).Error(), "country and")
		assert.ErrorContains(t, locator.Covers(binding.Policy{GeoIP: binding.GeoIPCity}), "needs continent and city")
	}
}

// Where few addresses of a database are met by chance, every network is looked at.
func TestTheLastRecordOfASmallFileCounts(t *testing.T) {
	for way, locator := range bothWays(t, nil, file(t, "city-in-the-last-record.mmdb")) {
		assert.NoError(t, locator.Covers(binding.Policy{GeoIP: binding.GeoIPCity}), way)
	}
}

func TestATypeThatIsUnheardOfIsRead(t *testing.T) {
	db := load(t, nil, file(t, "unheard-of-type.mmdb"))
	assert.NoError(t, db.Covers(binding.Policy{GeoIP: binding.GeoIPCity}))
	assert.Equal(t, "Berlin", locate(t, db, bindingtest.Berlin).Geo.City.Names.English())
}

func TestRecordsWithLess(t *testing.T) {
	const name = "continent-only-here-and-there.mmdb"
	known, continent, other, traits := bindingtest.Berlin, bindingtest.Munich, bindingtest.Paris, bindingtest.Unlocated
	country := binding.Policy{GeoIP: binding.GeoIPCountry}
	for way, locator := range bothWays(t, nil, file(t, name)) {
		assert.NoError(t, locator.Covers(binding.Policy{GeoIP: binding.GeoIPCity}), "some records know it")
		for _, move := range [][2]netip.Addr{{continent, other}, {known, continent}, {continent, known}, {known, traits}} {
			broken := country.Check(locate(t, locator, move[0]), locate(t, locator, move[1]))
			require.NotNil(t, broken, "%s: %v", way, move)
			assert.Equal(t, binding.GeoIPMissing, broken.Reason, way)
		}
		assert.Nil(t, binding.Policy{GeoIP: binding.GeoIPContinent}.Check(locate(t, locator, known), locate(t, locator, continent)), way)
	}
}

func TestRecordsWithoutANumber(t *testing.T) {
	numbered, named, neither := bindingtest.Berlin, bindingtest.Munich, bindingtest.Paris
	for way, locator := range bothWays(t, file(t, "unnumbered.mmdb"), nil) {
		assert.NoError(t, locator.Covers(binding.Policy{Network: binding.NetworkASN}), way)
		assert.Nil(t, locate(t, locator, neither).ASN, way)
		broken := binding.Policy{Network: binding.NetworkASN}.Check(locate(t, locator, numbered), locate(t, locator, named))
		require.NotNil(t, broken, way)
		assert.JSONEq(t, `{"reason":"network.missing","previous_value":{"asn":64496,"as_org":"Spree Net","network":"192.0.2.0/25"},
			"new_value":{"asn":null,"as_org":"Elbe Net","network":"192.0.2.128/25"}}`, asJSON(t, broken), way)
	}
}

// ZZ and ZZ are not one country.
func TestPlaceholdersAreUnknown(t *testing.T) {
	for way, locator := range bothWays(t, nil, file(t, "placeholders.mmdb")) {
		for _, ip := range []netip.Addr{bindingtest.Berlin, bindingtest.Paris, bindingtest.Unlocated} {
			geo := locate(t, locator, ip).Geo
			require.NotNil(t, geo, way)
			assert.Zero(t, *geo, "%s: %s", way, ip)
			broken := binding.Policy{GeoIP: binding.GeoIPContinent}.Check(locate(t, locator, ip), locate(t, locator, ip))
			require.NotNil(t, broken, "%s: %s", way, ip)
			assert.Equal(t, binding.GeoIPMissing, broken.Reason)
		}
		assert.NoError(t, locator.Covers(binding.Policy{GeoIP: binding.GeoIPCity}), way)
	}
}

func TestTwoSpringfields(t *testing.T) {
	city := binding.Policy{GeoIP: binding.GeoIPCity}
	illinois, missouri, illinoisIPv6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.129"), netip.MustParseAddr("2001:db8::1")
	for way, locator := range bothWays(t, nil, file(t, "dbip-city-lite.mmdb")) {
		broken := city.Check(locate(t, locator, illinois), locate(t, locator, missouri))
		require.NotNil(t, broken, way)
		assert.JSONEq(t, `{"reason":"geoip.city","previous_value":{"names":{"en":"Springfield"}},"new_value":{"names":{"en":"Springfield"}}}`, asJSON(t, broken), way)
		assert.Nil(t, city.Check(locate(t, locator, illinois), locate(t, locator, illinoisIPv6)), way)
	}
}

// An address behind a translator has the facts of the address that it stands for.
func TestNAT64(t *testing.T) {
	translated := netip.MustParseAddr("64:ff9b::192.0.2.1")
	for way, locator := range bothWays(t, bindingtest.ASNFile(), bindingtest.CityFile()) {
		want := locate(t, locator, bindingtest.Berlin)
		want.IP = translated
		assert.Equal(t, want, locate(t, locator, translated), way)
		assert.Nil(t, locate(t, locator, netip.MustParseAddr("64:ff9b:1::192.0.2.1")).Geo, "%s: a prefix of local use", way)
	}
}

func TestAnotherLayoutIsSaidToBeOne(t *testing.T) {
	_, err := maxmind.Load(nil, file(t, "ipinfo-lite.mmdb"))
	require.ErrorIs(t, err, maxmind.ErrLayout)
	assert.NotErrorIs(t, err, maxmind.ErrCorrupt)
	assert.ErrorContains(t, err, "ipinfo_lite")

	_, err = maxmind.Load(file(t, "ipinfo-lite.mmdb"), nil)
	lacks, ok := errors.AsType[*maxmind.FactsError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, []string{"autonomous_system_number"}, lacks.Lacking)
}
