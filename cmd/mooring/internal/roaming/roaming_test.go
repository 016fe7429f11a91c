package roaming_test

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/cmd/mooring/internal/replay"
	"github.com/mooring-go/mooring/cmd/mooring/internal/roaming"
)

const sessions = 80

// grid and presets are modelled once for all tests.
var grid = sync.OnceValues(func() ([]roaming.Figures, error) {
	return run(roaming.Setting{}, sessions, append(replay.Grid(), replay.Presets()[:3]...)...)
})

// run models the policies in one setting.
func run(s roaming.Setting, sessions int, policies ...replay.Candidate) ([]roaming.Figures, error) {
	all, err := roaming.Run(roaming.Config{Seed: 1, Sessions: sessions, Policies: policies, Settings: []roaming.Setting{s}})
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

func figures(t *testing.T) (all []roaming.Figures, relaxed, balanced, strict roaming.Figures) {
	t.Helper()
	all, err := grid()
	require.NoError(t, err)
	n := len(all) - 3
	return all[:n], all[n], all[n+1], all[n+2]
}

// level returns the results of a level alone, or of two, without tolerance.
func level(t *testing.T, network binding.Network, geoIP binding.GeoIP) roaming.Figures {
	all, _, _, _ := figures(t)
	for _, f := range all {
		if f.Network == network && f.GeoIP == geoIP && f.Tolerance == replay.NoTolerance {
			return f
		}
	}
	require.Fail(t, "no such level")
	return roaming.Figures{}
}

// The kinds of honest users and thieves, as they are ordered.
const (
	fixedLine, phone, dualStack, office, vpn, traveller, atHome = 0, 1, 2, 3, 4, 5, 6
	sameCarrier, sameCountry, otherCountry, hosting             = 0, 1, 2, 3
)

func TestTheNamesOfTheModel(t *testing.T) {
	var names []string
	shares := 0.0
	for _, p := range roaming.Personas() {
		names = append(names, p.Name)
		shares += p.Share
		assert.NotEmpty(t, p.Habits)
	}
	assert.Equal(t, []string{"fixed line", "phone", "dual stack", "office", "VPN", "traveller", "at home"}, names)
	assert.InDelta(t, 1, shares, 1e-9)
	names = nil
	for _, thief := range roaming.Thieves() {
		names = append(names, thief.Name)
		assert.NotEmpty(t, thief.Habits)
	}
	assert.Equal(t, []string{"same carrier", "same country", "other country", "hosting"}, names)
}

func TestASeedAlwaysGivesTheSameFigures(t *testing.T) {
	c := roaming.Config{Seed: 7, Sessions: 20, Policies: replay.Presets(), Settings: []roaming.Setting{{Keys: 0.7, ProveEvery: time.Minute}}}
	first, err := roaming.Run(c)
	require.NoError(t, err)
	again, err := roaming.Run(c)
	require.NoError(t, err)
	assert.Equal(t, first, again)
	c.Seed = 8
	other, err := roaming.Run(c)
	require.NoError(t, err)
	assert.NotEqual(t, first, other)
}

func TestWhatLevelsDoToHonestUsers(t *testing.T) {
	asn, prefix, ip := level(t, binding.NetworkASN, 0), level(t, binding.NetworkASNNetwork, 0), level(t, binding.NetworkASNNetworkIP, 0)
	country, city := level(t, 0, binding.GeoIPCountry), level(t, 0, binding.GeoIPCity)
	assert.Zero(t, asn.EndedBy[fixedLine])
	assert.Zero(t, asn.EndedBy[dualStack])
	assert.Greater(t, asn.EndedBy[phone], 0.95)
	assert.Greater(t, asn.EndedBy[office], 0.95)
	assert.Greater(t, prefix.EndedBy[dualStack], 0.95)
	assert.Less(t, prefix.EndedBy[fixedLine], 0.8)
	assert.InDelta(t, 1, ip.Ended, 1e-9, "a new address each day")
	for _, who := range []int{fixedLine, phone, dualStack, office} {
		assert.Zero(t, country.EndedBy[who])
	}
	assert.InDelta(t, 0.6, country.EndedBy[vpn], 0.15)
	assert.Greater(t, country.EndedBy[traveller], 0.9)
	assert.Equal(t, 1.0, country.EndedBy[atHome], "a private address is nowhere")
	assert.Greater(t, city.EndedBy[phone], 0.5)
}

func TestWhatLevelsDoToThieves(t *testing.T) {
	asn, prefix, country, continent := level(t, binding.NetworkASN, 0), level(t, binding.NetworkASNNetwork, 0), level(t, 0, binding.GeoIPCountry), level(t, 0, binding.GeoIPContinent)
	assert.Less(t, asn.StoppedBy[sameCarrier], 0.05)
	assert.InDelta(t, 1, asn.StoppedBy[sameCountry], 1e-9)
	assert.Greater(t, prefix.StoppedBy[sameCarrier], 0.7)
	assert.Less(t, country.StoppedBy[sameCountry], 0.05)
	assert.InDelta(t, 1, country.StoppedBy[otherCountry], 1e-9)
	assert.InDelta(t, 0.7, country.StoppedBy[hosting], 0.1)
	assert.Less(t, continent.StoppedBy[otherCountry], country.StoppedBy[otherCountry])
}

func TestStricterLevelsEndMoreAndStopMore(t *testing.T) {
	all, relaxed, balanced, strict := figures(t)
	for _, a := range all {
		for _, b := range all {
			if a.Tolerance == b.Tolerance && a.Network <= b.Network && a.GeoIP <= b.GeoIP {
				assert.LessOrEqual(t, a.Ended, b.Ended, "%v %v %v", a.Tolerance, b.Network, b.GeoIP)
				// A stricter level may have bound the session to the thief's own place before.
				assert.LessOrEqual(t, a.Stopped, b.Stopped+0.02, "%v %v %v", a.Tolerance, b.Network, b.GeoIP)
			}
			if a.Tolerance == replay.NoTolerance && a.Network == b.Network && a.GeoIP == b.GeoIP {
				assert.GreaterOrEqual(t, a.Ended, b.Ended, "tolerance ends nothing: %v %v %v", b.Tolerance, b.Network, b.GeoIP)
			}
		}
	}
	assert.Less(t, relaxed.Ended, balanced.Ended)
	assert.Less(t, balanced.Ended, strict.Ended)
	assert.Less(t, relaxed.Stopped, balanced.Stopped)
	assert.Less(t, balanced.Stopped, strict.Stopped)
}

// How the presets are chosen: what each may cost, or must do, and that nothing in
// the grid does better at that price.
func TestThePresetsAreTheBestAtTheirPrice(t *testing.T) {
	all, relaxed, balanced, strict := figures(t)
	const relaxedPrice, balancedPrice, strictAim = 0.05, 0.10, 0.95
	assert.Less(t, relaxed.Ended, relaxedPrice)
	assert.Less(t, balanced.Ended, balancedPrice)
	assert.Greater(t, strict.Stopped, strictAim)
	for _, f := range all {
		if f.Ended < relaxedPrice {
			assert.LessOrEqual(t, f.Stopped, relaxed.Stopped, "%v %v %v", f.Network, f.GeoIP, f.Tolerance)
		}
		if f.Ended < balancedPrice {
			assert.LessOrEqual(t, f.Stopped, balanced.Stopped, "%v %v %v", f.Network, f.GeoIP, f.Tolerance)
		}
		if f.Stopped > strictAim {
			assert.GreaterOrEqual(t, f.Ended, strict.Ended, "%v %v %v", f.Network, f.GeoIP, f.Tolerance)
		}
	}
}

func TestThePresetsBesideAuthentiksRules(t *testing.T) {
	_, relaxed, balanced, strict := figures(t)
	asn, prefix, country := level(t, binding.NetworkASN, 0), level(t, binding.NetworkASNNetwork, 0), level(t, 0, binding.GeoIPCountry)
	assert.Less(t, balanced.Ended, asn.Ended/5, "far fewer honest sessions")
	assert.Less(t, balanced.Prompts, asn.Prompts/5)
	assert.Greater(t, balanced.StoppedBy[otherCountry], 0.95)
	assert.Greater(t, balanced.StoppedBy[hosting], 0.6)
	assert.Less(t, balanced.Ended, country.Ended)
	assert.InDelta(t, country.Stopped, balanced.Stopped, 0.03, "for hardly a thief")
	assert.Zero(t, relaxed.EndedBy[phone]+relaxed.EndedBy[office]+relaxed.EndedBy[atHome]+balanced.EndedBy[phone]+balanced.EndedBy[office]+balanced.EndedBy[atHome])
	assert.Less(t, strict.Ended, prefix.Ended)
	assert.Zero(t, strict.EndedBy[dualStack])
	assert.Greater(t, strict.StoppedBy[sameCarrier], 0.7)
}

// A session that is restricted is as good as stopped, and asks honest users.
func TestStepUpStopsAsEndDoes(t *testing.T) {
	ends := binding.Policy{Network: binding.NetworkASN}
	asks := ends
	asks.Actions = binding.Always(binding.StepUp)
	reports := ends
	reports.Actions = binding.Always(binding.Report)
	got, err := run(roaming.Setting{}, 30, replay.Named("ends", ends), replay.Named("asks", asks), replay.Named("reports", reports))
	require.NoError(t, err)
	assert.Equal(t, got[0].Stopped, got[1].Stopped)
	assert.Equal(t, got[0].Ended, got[1].Asked)
	assert.Equal(t, got[0].Prompts, got[1].Prompts)
	assert.Zero(t, got[1].Ended)
	assert.Zero(t, got[2].Ended+got[2].Asked+got[2].Stopped+got[2].Prompts)
}

func TestTheWorldIsMadeUp(t *testing.T) {
	w := roaming.NewWorld()
	countries, numbers := map[string]bool{}, map[uint32]bool{}
	for second := range 256 {
		for _, ip := range []netip.Addr{netip.AddrFrom4([4]byte{11, byte(second), 1, 1}), netip.AddrFrom16([16]byte{0x2d, byte(second), 15: 1})} {
			l, err := w.Locate(t.Context(), ip)
			require.NoError(t, err)
			if l.ASN == nil {
				assert.Nil(t, l.Geo)
				continue
			}
			assert.True(t, l.ASN.Network.Contains(ip))
			assert.GreaterOrEqual(t, l.ASN.Number, uint32(64512), "for private use")
			assert.LessOrEqual(t, l.ASN.Number, uint32(65534))
			assert.Equal(t, "X", l.Geo.Country.ISOCode[:1])
			assert.Equal(t, "public", binding.ClassOf(ip).String())
			countries[l.Geo.Country.ISOCode], numbers[l.ASN.Number] = true, true
		}
	}
	assert.Len(t, countries, 6)
	assert.Len(t, numbers, 30)
	_, err := w.Locate(t.Context(), netip.Addr{})
	assert.ErrorIs(t, err, binding.ErrNoAddress)
}
