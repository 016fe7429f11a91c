package binding_test

import (
	"math"
	"net/netip"
	"strconv"
	"sync"
	"testing"

	"github.com/mooring-go/mooring/binding"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func groupsOf(t testing.TB, text string) *binding.ASNGroups {
	t.Helper()
	groups := new(binding.ASNGroups)
	require.NoError(t, groups.UnmarshalText([]byte(text)))
	return groups
}

func prefixesOf(t testing.TB, text string) *binding.Prefixes {
	t.Helper()
	prefixes := new(binding.Prefixes)
	require.NoError(t, prefixes.UnmarshalText([]byte(text)))
	return prefixes
}

func TestASNGroups(t *testing.T) {
	groups, err := binding.NewASNGroups([]uint32{6805, 8881, 6805}, []uint32{3320}, nil)
	require.NoError(t, err)
	assert.True(t, groups.Same(6805, 8881))
	assert.True(t, groups.Same(8881, 6805))
	assert.True(t, groups.Same(3320, 3320))
	assert.False(t, groups.Same(6805, 3320))
	assert.False(t, groups.Same(1, 1), "in no group")
	assert.False(t, groups.Same(0, 0))

	for name, none := range map[string]*binding.ASNGroups{"nil": nil, "zero": {}, "empty": groupsOf(t, "")} {
		assert.False(t, none.Same(6805, 8881), name)
		text, err := none.MarshalText()
		assert.NoError(t, err, name)
		assert.Empty(t, text, name)
	}
}

func TestASNGroupsText(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "",
		"6805":                      "6805",
		"6805+8881,3320+6878":       "3320+6878,6805+8881",
		" 8881 + 6805 , 3320":       "3320,6805+8881",
		"4294967295+1":              "1+4294967295",
		"64501+64500+64500,64502+9": "9+64502,64500+64501",
	} {
		written, err := groupsOf(t, text).MarshalText()
		require.NoError(t, err)
		assert.Equal(t, want, string(written))
		again, err := groupsOf(t, want).MarshalText()
		require.NoError(t, err)
		assert.Equal(t, want, string(again))
	}
	groups := groupsOf(t, "6805+8881")
	for _, text := range []string{",", "6805,", "6805+", "+6805", "AS6805", "-1", "4294967296", "0", "1+0", "1+2,2+3", "6805 8881"} {
		assert.Error(t, groups.UnmarshalText([]byte(text)), "%q", text)
		assert.True(t, groups.Same(6805, 8881), "unchanged by an error")
	}
	assert.ErrorContains(t, groups.Set([]uint32{1, 2}, []uint32{2}), "ASN 2")
	assert.ErrorContains(t, groups.Set([]uint32{0}), "ASN 0")
	_, err := binding.NewASNGroups([]uint32{math.MaxUint32}, []uint32{math.MaxUint32})
	assert.Error(t, err)
}

func TestPrefixes(t *testing.T) {
	prefixes, err := binding.NewPrefixes(netip.MustParsePrefix("192.0.2.77/24"), netip.MustParsePrefix("2001:db8::/32"))
	require.NoError(t, err)
	for ip, want := range map[string]bool{
		"192.0.2.1": true, "::ffff:192.0.2.1": true, "192.0.3.1": false, "2001:db8:1::1": true, "2001:db8::1%eth0": true, "2001:db9::1": false, "": false,
	} {
		assert.Equal(t, want, prefixes.Contains(address(ip)), ip)
	}
	for name, none := range map[string]*binding.Prefixes{"nil": nil, "zero": {}, "empty": prefixesOf(t, "")} {
		assert.False(t, none.Contains(address("192.0.2.1")), name)
		text, err := none.MarshalText()
		assert.NoError(t, err, name)
		assert.Empty(t, text, name)
	}
}

// Relays and the like have a quarter of a million prefixes.
func TestLongLists(t *testing.T) {
	var list []netip.Prefix
	for i := range 1 << 18 {
		list = append(list, netip.PrefixFrom(netip.AddrFrom4([4]byte{172, byte(i >> 16), byte(i >> 8), byte(i)}), 32))
	}
	prefixes, err := binding.NewPrefixes(append(list, netip.MustParsePrefix("2001:db8::/48"))...)
	require.NoError(t, err)
	inside, outside := address("172.3.255.255"), address("172.4.0.0")
	assert.True(t, prefixes.Contains(inside))
	assert.False(t, prefixes.Contains(outside))
	assert.True(t, prefixes.Contains(address("2001:db8::1")))
	assert.Zero(t, testing.AllocsPerRun(100, func() { prefixes.Contains(outside) }))
}

func BenchmarkPrefixesContains(b *testing.B) {
	for _, n := range []int{1, 1000, 250_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			var list []netip.Prefix
			for i := range n {
				list = append(list, netip.PrefixFrom(netip.AddrFrom4([4]byte{172, byte(i >> 16), byte(i >> 8), byte(i)}), 32-i%4))
			}
			prefixes, err := binding.NewPrefixes(list...)
			require.NoError(b, err)
			ip := netip.MustParseAddr("1.1.1.1")
			b.ReportAllocs()
			for b.Loop() {
				prefixes.Contains(ip)
			}
		})
	}
}

func TestPrefixesText(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "",
		"192.0.2.1/32":                 "192.0.2.1/32",
		" 192.0.2.77/24,2001:db8::/32": "192.0.2.0/24,2001:db8::/32",
		"0.0.0.0/0":                    "0.0.0.0/0",
	} {
		written, err := prefixesOf(t, text).MarshalText()
		require.NoError(t, err)
		assert.Equal(t, want, string(written))
	}
	prefixes := prefixesOf(t, "192.0.2.0/24")
	for _, text := range []string{",", "192.0.2.1", "192.0.2.0/33", "192.0.2.0/24,", "::ffff:192.0.2.0/120", "fe80::%eth0/64", "x"} {
		assert.ErrorContains(t, prefixes.UnmarshalText([]byte(text)), "binding: prefix", "%q", text)
		assert.True(t, prefixes.Contains(address("192.0.2.1")), "unchanged by an error")
	}
	_, err := binding.NewPrefixes(netip.Prefix{})
	assert.Error(t, err)
}

// A list that is replaced is seen as it was or as it is, and as nothing between.
func TestListsAreReplacedWhileInUse(t *testing.T) {
	groups, exempt := groupsOf(t, "64500+64501"), prefixesOf(t, "10.0.0.0/8")
	policy := binding.Policy{Network: binding.NetworkASN, Tolerance: binding.Tolerance{ASNGroups: groups, Exempt: exempt}}
	other := at(func(l *binding.Location) { l.ASN.Number = 64501 })
	third := at(func(l *binding.Location) { l.ASN.Number = 64503 })
	office := binding.Location{IP: address("10.1.1.1")}

	var using sync.WaitGroup
	for range 4 {
		using.Go(func() {
			for range 500 {
				assert.Nil(t, policy.Check(home(), other))
				assert.Nil(t, policy.Check(home(), office))
				assert.Equal(t, binding.NetworkASNChanged, reason(policy.Check(home(), third)))
				text, err := groups.MarshalText()
				assert.NoError(t, err)
				assert.Contains(t, []string{"64500+64501", "64500+64501+64502"}, string(text))
				text, err = exempt.MarshalText()
				assert.NoError(t, err)
				assert.Contains(t, []string{"10.0.0.0/8", "192.168.0.0/16,10.0.0.0/8"}, string(text))
			}
		})
	}
	for range 200 {
		require.NoError(t, groups.Set([]uint32{64502, 64501, 64500}))
		require.NoError(t, exempt.UnmarshalText([]byte("192.168.0.0/16,10.0.0.0/8")))
		require.NoError(t, groups.UnmarshalText([]byte("64500+64501")))
		require.NoError(t, exempt.Set(netip.MustParsePrefix("10.0.0.0/8")))
	}
	using.Wait()
}
