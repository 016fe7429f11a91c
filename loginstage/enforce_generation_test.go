package loginstage_test

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
)

// locate is a function that is a locator.
type locate func(ctx context.Context, ip netip.Addr) (binding.Location, error)

func (f locate) Locate(ctx context.Context, ip netip.Addr) (binding.Location, error) {
	return f(ctx, ip)
}

// replaceable is a locator whose data can be replaced.
type replaceable struct {
	current atomic.Pointer[bindingtest.Locator]
	calls   atomic.Int64
}

func (l *replaceable) replace(by bindingtest.Locator) { l.current.Store(&by) }

func (l *replaceable) Locate(ctx context.Context, ip netip.Addr) (binding.Location, error) {
	l.calls.Add(1)
	return l.current.Load().Locate(ctx, ip)
}

func places() *replaceable {
	l := &replaceable{}
	l.replace(bindingtest.Places())
	return l
}

// The two sides of a comparison come from the same data, so that a new release
// of a database signs nobody out who has not moved, and lets nobody in who has.
func TestBothSidesAreOfOneGeneration(t *testing.T) {
	for _, test := range []struct {
		name     string
		config   loginstage.Config
		from, to netip.Addr
		before   binding.Reason // what is broken by the data of the sign-in
		after    binding.Reason // and what by the later data
	}{
		{"two networks became one", loginstage.Config{NetworkBinding: binding.NetworkASN}, bindingtest.Munich, bindingtest.Hamburg, binding.NetworkASNChanged, ""},
		{"two prefixes became one", loginstage.Config{NetworkBinding: binding.NetworkASNNetwork}, bindingtest.Munich, bindingtest.Hamburg, binding.NetworkASNChanged, ""},
		{"a prefix was split, and the neighbour stayed", loginstage.Config{NetworkBinding: binding.NetworkASNNetwork}, bindingtest.Berlin, bindingtest.BerlinNeighbour, "", ""},
		{"a city became known", loginstage.Config{GeoIPBinding: binding.GeoIPCity}, bindingtest.Berlin, bindingtest.Countryside, binding.GeoIPCityChanged, binding.GeoIPCityChanged},
		{"the network changed hands", loginstage.Config{NetworkBinding: binding.NetworkASN}, bindingtest.Paris, bindingtest.NewYork, binding.NetworkASNChanged, ""},
		{"the facts are gone", loginstage.Config{GeoIPBinding: binding.GeoIPContinent}, bindingtest.Berlin, bindingtest.Nairobi, binding.GeoIPContinentChanged, binding.GeoIPMissing},
		{"the anchor's facts are gone", loginstage.Config{GeoIPBinding: binding.GeoIPContinent}, bindingtest.Nairobi, bindingtest.Berlin, binding.GeoIPContinentChanged, binding.GeoIPMissing},
	} {
		for _, replaced := range []bool{false, true} {
			t.Run(test.name+", replaced "+strconv.FormatBool(replaced), func(t *testing.T) {
				world := places()
				test.config.Locator = world
				stage, browser := open(t, test.config)
				browser.MoveTo(test.from)
				signIn(t, browser, "ada")
				want := test.before
				if replaced {
					world.replace(bindingtest.Later())
					want = test.after
				}
				calls := world.calls.Load()
				require.Equal(t, "ada", whoami(browser), "who has not moved is not looked up")
				require.Equal(t, calls, world.calls.Load())

				browser.MoveTo(test.to)
				response := browser.Get("/whoami")
				if want == "" {
					assert.Equal(t, "ada", response.Text)
					assert.Equal(t, "places", sessions(t, stage, "ada")[0].Anchor.Generation, "the anchor never changes")
					return
				}
				assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
				event := stage.Events.Last()
				assert.Equal(t, want, event.Context.Binding.Reason)
				assert.Equal(t, test.from, event.Context.IP.Previous)
				assert.Equal(t, test.to, event.Context.IP.New)
			})
		}
	}
}

// The data is replaced between the two lookups of one check.
func TestDataReplacedDuringTheCheck(t *testing.T) {
	first, second := bindingtest.Places(), bindingtest.Later()
	first.Generation = "first"
	calls := 0
	_, browser := open(t, loginstage.Config{
		NetworkBinding: binding.NetworkASN,
		Locator: locate(func(ctx context.Context, ip netip.Addr) (binding.Location, error) {
			calls++
			switch calls {
			case 1: // the sign-in
				return bindingtest.Places().Locate(ctx, ip)
			case 2: // the new address
				return first.Locate(ctx, ip)
			default:
				return second.Locate(ctx, ip)
			}
		}),
	})
	browser.MoveTo(bindingtest.Munich)
	signIn(t, browser, "ada")
	browser.MoveTo(bindingtest.Hamburg)
	assert.Equal(t, "ada", whoami(browser), "by the second data both are of one network")
}

func TestDataThatChangesAllTheTimeSignsNobodyOut(t *testing.T) {
	changing := true
	calls := 0
	stage, browser := open(t, loginstage.Config{
		NetworkBinding: binding.NetworkASN,
		Locator: locate(func(ctx context.Context, ip netip.Addr) (binding.Location, error) {
			l := bindingtest.Places()
			if calls++; changing {
				l.Generation = strconv.Itoa(calls)
			}
			return l.Locate(ctx, ip)
		}),
	})
	signIn(t, browser, "ada")
	browser.MoveTo(bindingtest.Munich)
	assert.Equal(t, http.StatusServiceUnavailable, browser.Get("/whoami").StatusCode)
	assert.Less(t, calls, 20)
	assert.Len(t, sessions(t, stage, "ada"), 1)
	changing = false
	assert.Equal(t, "ada", whoami(browser))
}

func TestTheAnchorCannotBeLookedUpAgain(t *testing.T) {
	world := places()
	broken := false
	stage, browser := open(t, loginstage.Config{
		NetworkBinding: binding.NetworkASN,
		Locator: locate(func(ctx context.Context, ip netip.Addr) (binding.Location, error) {
			if broken && ip == bindingtest.Berlin {
				return binding.Location{}, errors.New("out of order")
			}
			return world.Locate(ctx, ip)
		}),
	})
	signIn(t, browser, "ada")
	world.replace(bindingtest.Later())
	broken = true
	browser.MoveTo(bindingtest.Munich)
	assert.Equal(t, http.StatusServiceUnavailable, browser.Get("/whoami").StatusCode)
	assert.Len(t, sessions(t, stage, "ada"), 1)
	assert.NotEmpty(t, browser.Cookie(cookie))
}

func TestDataReplacedUnderARunningSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world, later := places(), bindingtest.Later()
		delete(later.ASNs, netip.MustParsePrefix("2001:db8:1::/48"))
		later.ASNs[netip.MustParsePrefix("2001:db8:1::/64")] = binding.ASN{Number: 64496, Organization: "Spree Net"}
		v := travel(t, loginstage.Config{
			NetworkBinding: binding.NetworkASNNetwork, GeoIPBinding: binding.GeoIPCity, Locator: world,
			Tolerance: binding.Tolerance{Families: binding.FamiliesLearn},
		})
		require.Equal(t, passes, v.visit(bindingtest.BerlinIPv6))
		world.replace(later)
		require.Equal(t, passes, v.visit(bindingtest.BerlinNeighbour), "in the part of the split prefix")
		require.Equal(t, passes, v.visit(bindingtest.BerlinIPv6.Next()), "as in the other family")
		assert.Equal(t, "places", v.stored().Anchor.Generation, "as it was recorded")
		require.Equal(t, denied, v.visit(netip.MustParseAddr("192.0.2.17")), "in the other part")
		assert.Equal(t, binding.NetworkMissing, v.ended())
	})
}
