package loginstage_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

func TestAnAnchorForEachFamily(t *testing.T) {
	world := bindingtest.Places()
	world.ASNs[netip.MustParsePrefix(newerIn)] = world.ASNs[netip.MustParsePrefix("2001:db8:1::/48")]
	world.Geos[netip.MustParsePrefix(newerIn)] = world.Geos[netip.MustParsePrefix("2001:db8:1::/48")]
	other6, neighbour6 := netip.MustParseAddr(newer6), bindingtest.BerlinIPv6.Next()
	config := func(level binding.Network) loginstage.Config {
		return loginstage.Config{
			NetworkBinding: level, GeoIPBinding: binding.GeoIPCity, Locator: world,
			Tolerance: binding.Tolerance{Families: binding.FamiliesLearn},
		}
	}

	t.Run("by prefix", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := travel(t, config(binding.NetworkASNNetwork))
			assert.False(t, v.stored().Drift.Second.IP.IsValid())
			for _, ip := range []netip.Addr{bindingtest.BerlinIPv6, bindingtest.BerlinNeighbour, neighbour6, bindingtest.Berlin} {
				require.Equal(t, passes, v.visit(ip), ip)
				assert.Equal(t, bindingtest.BerlinIPv6, v.stored().Drift.Second.IP, "learned once")
			}
			require.Equal(t, denied, v.visit(other6))
			assert.Equal(t, binding.NetworkPrefixChanged, v.ended())
			ending := v.told(loginstage.ActionLogout)[0].Context
			assert.Equal(t, netip.MustParsePrefix("2001:db8:1::/48"), ending.Binding.Previous, "compared with its own family")
			assert.Equal(t, bindingtest.BerlinIPv6, ending.IP.Previous)
		})
	})
	t.Run("by address", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := travel(t, config(binding.NetworkASNNetworkIP))
			require.Equal(t, passes, v.visit(bindingtest.BerlinIPv6))
			require.Equal(t, passes, v.visit(bindingtest.Berlin))
			require.Equal(t, denied, v.visit(neighbour6))
			assert.Equal(t, binding.NetworkIPChanged, v.ended())
		})
	})
	t.Run("IPv6 first", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := newTraveller(t, loginstagetest.New(t, config(binding.NetworkASNNetwork)))
			v.MoveTo(bindingtest.BerlinIPv6)
			v.signIn()
			require.Equal(t, passes, v.visit(bindingtest.Berlin))
			assert.Equal(t, bindingtest.Berlin, v.stored().Drift.Second.IP)
			require.Equal(t, denied, v.visit(bindingtest.BerlinOtherPrefix))
			assert.Equal(t, binding.NetworkPrefixChanged, v.ended())
		})
	})
	t.Run("the first family stays bound", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := travel(t, config(binding.NetworkASNNetwork))
			require.Equal(t, passes, v.visit(bindingtest.BerlinIPv6))
			require.Equal(t, denied, v.visit(bindingtest.BerlinOtherPrefix))
		})
	})
	t.Run("to and fro between the two is one move", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			bounded := config(binding.NetworkASNNetworkIP)
			bounded.Tolerance.MaxMoves = 1
			v := travel(t, bounded)
			for range 20 { // as browsers do all the time
				require.Equal(t, passes, v.visit(bindingtest.BerlinIPv6))
				time.Sleep(time.Minute)
				require.Equal(t, passes, v.visit(bindingtest.Berlin))
				time.Sleep(time.Minute)
			}
			assert.Len(t, v.stored().Drift.Moves, 1)
		})
	})
	t.Run("the second anchor is another network by later data", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			locator, later := places(), bindingtest.Places()
			later.Generation = "later"
			later.ASNs[netip.MustParsePrefix("2001:db8:1::/48")] = binding.ASN{Number: 64999}
			reassigned := config(binding.NetworkASNNetwork)
			reassigned.Locator = locator
			v := travel(t, reassigned)
			require.Equal(t, passes, v.visit(bindingtest.BerlinIPv6))
			require.Equal(t, passes, v.visit(bindingtest.Berlin))
			locator.replace(later)
			require.Equal(t, passes, v.visit(bindingtest.BerlinIPv6), "nobody has moved")
			require.Equal(t, passes, v.visit(bindingtest.Berlin))
			require.Equal(t, denied, v.visit(other6))
		})
	})
	t.Run("not from elsewhere", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := travel(t, config(binding.NetworkASNNetwork))
			require.Equal(t, denied, v.visit(bindingtest.ParisIPv6))
			assert.Equal(t, binding.NetworkASNChanged, v.ended())
		})
	})
	t.Run("not where it is reported", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			reporting := config(binding.NetworkASNNetwork)
			reporting.ReportOnly = true
			v := travel(t, reporting)
			require.Equal(t, passes, v.visit(bindingtest.ParisIPv6))
			assert.False(t, v.stored().Drift.Second.IP.IsValid())
		})
	})
	t.Run("not from an exempt address", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			office := config(binding.NetworkASNNetwork)
			office.Tolerance.Exempt = new(binding.Prefixes)
			require.NoError(t, office.Tolerance.Exempt.Set(netip.MustParsePrefix("2001:db8:2::/48")))
			v := travel(t, office)
			require.Equal(t, passes, v.visit(bindingtest.ParisIPv6))
			require.Equal(t, passes, v.visit(bindingtest.BerlinIPv6), "at home again")
			assert.Equal(t, bindingtest.BerlinIPv6, v.stored().Drift.Second.IP)
			require.Equal(t, passes, v.visit(bindingtest.ParisIPv6))
		})
	})
	t.Run("strict", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			strict := config(binding.NetworkASNNetwork)
			strict.Tolerance.Families = binding.FamiliesStrict
			require.Equal(t, denied, travel(t, strict).visit(bindingtest.BerlinIPv6))
		})
	})
}
