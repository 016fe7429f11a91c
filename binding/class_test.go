package binding_test

import (
	"net/netip"
	"testing"

	"github.com/mooring-go/mooring/binding"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestClassOf(t *testing.T) {
	for class, addresses := range map[string][]string{
		"unknown": {""},
		"public": {
			"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0",
			"192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
			"2606:4700::1111", "2001:4860::1", "64:ff9b::101:101", "::ffff:1.1.1.1", "2001:200::1",
			"2001::1", "2001:10::1", "2002:101:101::1", "192.88.99.1", // where the registries do not say
			// In blocks that are not, and globally reachable all the same.
			"192.0.0.9", "192.0.0.10", "192.31.196.1", "192.52.193.1", "192.175.48.1",
			"2001:1::1", "2001:1::2", "2001:1::3", "2001:3::1", "2001:4:112::1", "2001:20::1", "2001:30::1", "2620:4f:8000::1",
		},
		"private": {
			"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.2", "fc00::1", "fd12::1", "fd12::1%eth0", "::ffff:10.0.0.1",
		},
		"shared":        {"100.64.0.0", "100.127.255.255", "::ffff:100.64.0.1"},
		"loopback":      {"127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1"},
		"link_local":    {"169.254.1.1", "fe80::1", "fe80::1%eth0"},
		"documentation": {"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1", "::ffff:192.0.2.1"},
		"reserved": {
			"0.0.0.0", "0.1.2.3", "192.0.0.1", "198.18.0.1", "198.19.255.255", "224.0.0.1", "240.0.0.1", "255.255.255.255",
			"192.0.0.8", "192.0.0.11", "192.0.0.170", "192.88.99.2", "2001:1::4", "2001:4:113::1", "2001:5::1", "2001:1ff::1",
			"::", "100::1", "100:0:0:1::1", "2001:2::1", "5f00::1", "64:ff9b:1::1", "ff02::1",
		},
	} {
		for _, s := range addresses {
			assert.Equal(t, class, binding.ClassOf(address(s)).String(), s)
		}
	}
}

func TestClassNames(t *testing.T) {
	assert.Equal(t, "unknown", binding.Class(0).String())
	assert.Equal(t, "public", binding.ClassOf(netip.MustParseAddr("1.1.1.1")).String())
	assert.Equal(t, "link_local", binding.ClassOf(netip.MustParseAddr("fe80::1")).String())
	assert.Equal(t, "Class(99)", binding.Class(99).String())
}

func TestPrefixLengthsText(t *testing.T) {
	for text, want := range map[string]binding.PrefixLengths{
		"ipv4=32,ipv6=64":  {IPv4: 32, IPv6: 64},
		"ipv4=32,ipv6=128": {IPv4: 32, IPv6: 128},
		"ipv4=16,ipv6=32":  {IPv4: 16, IPv6: 32},
	} {
		var read binding.PrefixLengths
		require.NoError(t, read.UnmarshalText([]byte(text)))
		assert.Equal(t, want, read)
		assert.Equal(t, `"`+text+`"`, asJSON(t, read))
	}
	assert.Equal(t, `"ipv4=32,ipv6=128"`, asJSON(t, binding.PrefixLengths{}), "0 is all bits")
	assert.Equal(t, `"ipv4=32,ipv6=64"`, asJSON(t, binding.PrefixLengths{IPv6: 64}))

	for _, text := range []string{
		"", "64", "ipv4=32", "ipv6=64", "ipv6=64,ipv4=32", "ipv4=32;ipv6=64", "ipv4=33,ipv6=64", "ipv4=15,ipv6=64",
		"ipv4=32,ipv6=31", "ipv4=32,ipv6=129", "ipv4=0,ipv6=64", "ipv4=32,ipv6=0", "ipv4=288,ipv6=64", "ipv4=-1,ipv6=64",
		"ipv4=32,ipv6=64,", "ipv4=32,ipv6=64x", "ipv4=32,ipv6=64 x", "ipv4=32,ipv6=64\nx", "ipv4= 32,ipv6=64", "ipv4=+32,ipv6=64",
	} {
		read := binding.PrefixLengths{IPv4: 24, IPv6: 56}
		require.ErrorContains(t, read.UnmarshalText([]byte(text)), "want ipv4=N,ipv6=N", "%q", text)
		assert.Equal(t, binding.PrefixLengths{IPv4: 24, IPv6: 56}, read, "unchanged by an error")
	}
}
