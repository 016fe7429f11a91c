package maxmind_test

import (
	"bytes"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/binding/maxmind"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func locate(t testing.TB, locator binding.Locator, ip netip.Addr) binding.Location {
	t.Helper()
	location, err := locator.Locate(t.Context(), ip)
	require.NoError(t, err)
	return location
}

func load(t testing.TB, asn, city []byte) *maxmind.DB {
	t.Helper()
	db, err := maxmind.Load(asn, city)
	require.NoError(t, err)
	return db
}

// every returns all addresses of the prefixes that bindingtest knows, a few of each,
// and some that it does not.
func every() []netip.Addr {
	addresses := []netip.Addr{
		bindingtest.Unlocated, bindingtest.UnlocatedIPv6,
		netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1"), netip.MustParseAddr("255.255.255.255"),
	}
	for _, places := range []bindingtest.Locator{bindingtest.Places(), bindingtest.Later()} {
		var prefixes []netip.Prefix
		for prefix := range places.ASNs {
			prefixes = append(prefixes, prefix)
		}
		for prefix := range places.Geos {
			prefixes = append(prefixes, prefix)
		}
		for _, prefix := range prefixes {
			addresses = append(addresses, prefix.Addr(), prefix.Addr().Next(), prefix.Addr().Prev())
		}
	}
	return addresses
}

func TestFilesAgreeWithPlaces(t *testing.T) {
	for name, test := range map[string]struct {
		asn, city []byte
		want      bindingtest.Locator
	}{
		"places":             {bindingtest.ASNFile(), bindingtest.CityFile(), bindingtest.Places()},
		"later":              {bindingtest.LaterASNFile(), bindingtest.LaterCityFile(), bindingtest.Later()},
		"ISP and Enterprise": {bindingtest.ISPFile(), bindingtest.EnterpriseFile(), bindingtest.Places()},
	} {
		t.Run(name, func(t *testing.T) {
			db := load(t, test.asn, test.city)
			for _, ip := range every() {
				want, have := locate(t, test.want, ip), locate(t, db, ip)
				assert.NotEmpty(t, have.Generation)
				want.Generation = have.Generation
				require.Equal(t, want, have)
				require.Equal(t, have, locate(t, db, ip), "the second time, when the records are held")
			}
		})
	}
}

func TestAddressesAreNormalized(t *testing.T) {
	db := load(t, bindingtest.ASNFile(), bindingtest.CityFile())
	want := locate(t, db, bindingtest.Berlin)
	assert.Equal(t, want, locate(t, db, netip.MustParseAddr("::ffff:192.0.2.1")))
	assert.Equal(t, locate(t, db, bindingtest.BerlinIPv6), locate(t, db, netip.MustParseAddr("2001:db8:1::1%eth0")))

	_, err := db.Locate(t.Context(), netip.Addr{})
	assert.ErrorIs(t, err, binding.ErrNoAddress)
}

func TestEitherFileMayBeAbsent(t *testing.T) {
	networks := locate(t, load(t, bindingtest.ASNFile(), nil), bindingtest.Berlin)
	assert.NotNil(t, networks.ASN)
	assert.Nil(t, networks.Geo)

	places := locate(t, load(t, nil, bindingtest.CityFile()), bindingtest.Berlin)
	assert.Nil(t, places.ASN)
	assert.NotNil(t, places.Geo)

	_, err := maxmind.Load(nil, nil)
	assert.ErrorIs(t, err, maxmind.ErrNoFiles)
	_, err = maxmind.Open(maxmind.Config{})
	assert.ErrorIs(t, err, maxmind.ErrNoFiles)
}

func TestGenerationNamesTheContent(t *testing.T) {
	generation := func(asn, city []byte) string { return locate(t, load(t, asn, city), bindingtest.Berlin).Generation }
	first := generation(bindingtest.ASNFile(), bindingtest.CityFile())
	assert.Equal(t, first, generation(bindingtest.ASNFile(), bindingtest.CityFile()))
	seen := map[string]bool{first: true}
	for _, other := range []string{
		generation(bindingtest.LaterASNFile(), bindingtest.CityFile()),
		generation(bindingtest.ASNFile(), bindingtest.LaterCityFile()),
		generation(bindingtest.ASNFile(), nil),
		generation(nil, bindingtest.CityFile()),
	} {
		assert.False(t, seen[other], other)
		seen[other] = true
	}
}

func TestCovers(t *testing.T) {
	strictest := binding.Policy{Network: binding.NetworkASNNetworkIP, GeoIP: binding.GeoIPCity}
	network := binding.Policy{Network: binding.NetworkASN}
	country := binding.Policy{GeoIP: binding.GeoIPCountry}
	city := binding.Policy{GeoIP: binding.GeoIPCity}
	for name, test := range map[string]struct {
		asn, city           []byte
		covered, notCovered []binding.Policy
	}{
		"both":       {bindingtest.ASNFile(), bindingtest.CityFile(), []binding.Policy{{}, strictest, network, city}, nil},
		"ISP":        {bindingtest.ISPFile(), nil, []binding.Policy{{}, network}, []binding.Policy{strictest, country}},
		"Enterprise": {nil, bindingtest.EnterpriseFile(), []binding.Policy{{}, city}, []binding.Policy{strictest, network}},
		"Country":    {nil, bindingtest.CountryFile(), []binding.Policy{{}, country}, []binding.Policy{strictest, city, network}},
	} {
		t.Run(name, func(t *testing.T) {
			db := load(t, test.asn, test.city)
			for _, policy := range test.covered {
				assert.NoError(t, db.Covers(policy), "%v", policy)
			}
			for _, policy := range test.notCovered {
				assert.ErrorIs(t, db.Covers(policy), maxmind.ErrNotCovered, "%v", policy)
			}
		})
	}
	err := load(t, nil, bindingtest.CountryFile()).Covers(strictest)
	assert.ErrorContains(t, err, "bind_asn_network_ip needs an ASN database")
	assert.ErrorContains(t, err, "GeoLite2-Country")
}

func TestUnusableFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, content, 0o600))
		return path
	}
	city := bindingtest.CityFile()
	for _, test := range []struct {
		name, path string
		is         error
		says       string
	}{
		{"missing", filepath.Join(dir, "none.mmdb"), fs.ErrNotExist, "none.mmdb"},
		{"directory", dir, maxmind.ErrNotRegular, "not a regular file"},
		{"empty", write("empty", nil), maxmind.ErrCorrupt, "corrupt"},
		{"text", write("text", []byte("<html>404</html>")), maxmind.ErrCorrupt, "corrupt"},
		{"cut short", write("short", city[:len(city)/2]), maxmind.ErrCorrupt, "corrupt"},
		{"beginning missing", write("beginning", city[len(city)/2:]), maxmind.ErrCorrupt, "corrupt"},
		{"IP version", write("version", bytes.Replace(city, []byte("ip_version\xa1\x06"), []byte("ip_version\xa1\x05"), 1)),
			maxmind.ErrCorrupt, "IP version 5"},
		{"format", write("format", bytes.Replace(city, []byte("major_version\xa1\x02"), []byte("major_version\xa1\x03"), 1)),
			maxmind.ErrCorrupt, "version 3"},
		{"ASN database", write("asn", bindingtest.ASNFile()), nil, `"GeoLite2-ASN" cannot be used: no record of it has continent, country and city`},
		{"domains", write("domain", bindingtest.DomainFile()), nil, `"GeoIP2-Domain" cannot be used`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := maxmind.Open(maxmind.Config{City: test.path})
			fileError, ok := errors.AsType[*maxmind.FileError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, "City", fileError.Option)
			assert.Equal(t, test.path, fileError.Path)
			assert.ErrorContains(t, err, test.says)
			assert.ErrorContains(t, err, "City database")
			if test.is != nil {
				assert.ErrorIs(t, err, test.is)
			} else {
				_, ok := errors.AsType[*maxmind.FactsError](err)
				assert.True(t, ok)
			}
		})
	}
}

func TestBothMistakesAreReported(t *testing.T) {
	asn, city := bindingtest.WriteFiles(t)
	_, err := maxmind.Open(maxmind.Config{ASN: city, City: asn})
	assert.ErrorContains(t, err, `ASN database "`+city+`": type "GeoLite2-City"`)
	assert.ErrorContains(t, err, `City database "`+asn+`": type "GeoLite2-ASN"`)

	_, err = maxmind.Load(bindingtest.DomainFile(), []byte("x"))
	assert.ErrorContains(t, err, "maxmind: ASN database: type")
	assert.ErrorContains(t, err, "maxmind: City database: corrupt")
}

// A record that is damaged is an error where it is looked up, and only there.
// The sample at opening does not see it, because it looks at no address for
// documentation; a full check does.
func TestDamagedRecord(t *testing.T) {
	damaged := bindingtest.CityFile()
	name := bytes.Index(damaged, []byte("Hamburg"))
	require.Positive(t, name)
	damaged[name-1] = 0 // the control byte of the name: now of a type that does not exist

	db := load(t, nil, damaged)
	_, err := db.Locate(t.Context(), bindingtest.Hamburg)
	require.ErrorIs(t, err, maxmind.ErrCorrupt)
	fileError, ok := errors.AsType[*maxmind.FileError](err)
	require.True(t, ok)
	assert.Equal(t, "City", fileError.Option)
	assert.NotNil(t, locate(t, db, bindingtest.Tokyo).Geo, "others are as before")

	path := filepath.Join(t.TempDir(), "damaged.mmdb")
	require.NoError(t, os.WriteFile(path, damaged, 0o600))
	_, err = maxmind.Open(maxmind.Config{City: path, VerifyFully: true})
	assert.ErrorIs(t, err, maxmind.ErrCorrupt)
}

func TestVerifyFully(t *testing.T) {
	asn, city := bindingtest.WriteFiles(t)
	_, err := maxmind.Open(maxmind.Config{ASN: asn, City: city, VerifyFully: true})
	assert.NoError(t, err)
}

func TestLocateDoesNotAllocate(t *testing.T) {
	db := load(t, bindingtest.ASNFile(), bindingtest.CityFile())
	for _, ip := range []netip.Addr{bindingtest.Berlin, bindingtest.BerlinIPv6, bindingtest.Unlocated} {
		locate(t, db, ip)
		assert.Zero(t, testing.AllocsPerRun(100, func() {
			if _, err := db.Locate(t.Context(), ip); err != nil {
				t.Error(err)
			}
		}), ip)
	}
}

func TestLocatingAndCheckingAMoveDoesNotAllocate(t *testing.T) {
	db := load(t, bindingtest.ASNFile(), bindingtest.CityFile())
	policy := binding.Policy{Network: binding.NetworkASNNetwork, GeoIP: binding.GeoIPCity}
	anchor := locate(t, db, bindingtest.Berlin)
	locate(t, db, bindingtest.BerlinNeighbour)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		to, err := db.Locate(t.Context(), bindingtest.BerlinNeighbour)
		if err != nil || policy.Check(anchor, to) != nil {
			t.Error(err)
		}
	}))
}

func TestStatus(t *testing.T) {
	asn, city := bindingtest.WriteFiles(t)
	db, err := maxmind.Open(maxmind.Config{ASN: asn, City: city})
	require.NoError(t, err)
	status := db.Status()
	assert.Equal(t, locate(t, db, bindingtest.Berlin).Generation, status.Generation)
	assert.Equal(t, asn, status.ASN.Path)
	assert.Equal(t, "GeoLite2-ASN", status.ASN.Type)
	assert.Equal(t, "2026-01-06T00:00:00Z", status.City.Built.Format("2006-01-02T15:04:05Z07:00"))
	assert.False(t, status.City.Loaded.IsZero())
	assert.NoError(t, status.City.Err)

	status = load(t, bindingtest.ASNFile(), nil).Status()
	assert.Empty(t, status.ASN.Path)
	assert.Equal(t, "GeoLite2-ASN", status.ASN.Type)
	assert.Equal(t, maxmind.FileStatus{}, status.City)
}

func FuzzLoad(f *testing.F) {
	f.Add(bindingtest.ASNFile(), bindingtest.CityFile())
	f.Add(bindingtest.ISPFile(), bindingtest.EnterpriseFile())
	f.Add(bindingtest.LaterASNFile(), bindingtest.CountryFile())
	f.Add(bindingtest.DomainFile(), []byte{})
	addresses := every()
	f.Fuzz(func(t *testing.T, asn, city []byte) {
		db, err := maxmind.Load(asn, city)
		if err != nil {
			return
		}
		for _, ip := range addresses {
			location, err := db.Locate(t.Context(), ip)
			if err != nil {
				assert.ErrorIs(t, err, maxmind.ErrCorrupt)
				continue
			}
			asJSON(t, location.ASN)
			asJSON(t, location.Geo)
		}
	})
}
