package roaming_test

import (
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/cmd/mooring/internal/replay"
	"github.com/mooring-go/mooring/cmd/mooring/internal/roaming"
)

// The kinds of browsers and the loot, as they are ordered.
const (
	dbsc, page, none                       = 0, 1, 2
	fromLog, fromHAR, intercepted, profile = 0, 1, 2, 3
	malware                                = 4
)

const every = 10 * time.Minute

// The settings that are modelled for all tests.
var (
	allKeys      = roaming.Setting{Keys: 1}
	allBound     = roaming.Setting{Keys: 1, ProveEvery: every}
	most         = roaming.Setting{Keys: 0.7}
	withoutKeys  = roaming.Setting{}
	everySetting = []roaming.Setting{allKeys, allBound, most, withoutKeys}
)

// byAddress returns Proven for hosts that want every other /24 proved too.
func byAddress() binding.Policy {
	p := binding.Proven()
	p.Network, p.SameIP = binding.NetworkASNNetworkIP, binding.PrefixLengths{IPv4: 24, IPv6: 64}
	return p
}

// proofs models policies with device keys once for all tests.
var proofs = sync.OnceValues(func() (map[roaming.Setting]map[string]roaming.Figures, error) {
	policies := append(replay.Proving(), replay.Presets()...)
	for i := range policies {
		if policies[i].Name == "" {
			policies[i].Name = policies[i].Network.String() + "+" + policies[i].GeoIP.String()
		}
	}
	policies = append(policies, replay.Named("no binding", binding.Policy{}), replay.Named("address", byAddress()))
	all, err := roaming.Run(roaming.Config{Seed: 1, Sessions: sessions, Policies: policies, Settings: everySetting})
	if err != nil {
		return nil, err
	}
	bySetting := map[roaming.Setting]map[string]roaming.Figures{}
	for i, setting := range everySetting {
		bySetting[setting] = map[string]roaming.Figures{}
		for _, f := range all[i] {
			bySetting[setting][f.Name] = f
		}
	}
	return bySetting, nil
})

func with(t *testing.T, s roaming.Setting, policy string) roaming.Figures {
	t.Helper()
	all, err := proofs()
	require.NoError(t, err)
	require.Contains(t, all[s], policy)
	return all[s][policy]
}

func TestTheNamesOfBrowsersAndLoot(t *testing.T) {
	shares := 0.0
	var names []string
	for _, b := range roaming.Browsers() {
		names = append(names, b.Name)
		shares += b.Share
		assert.NotEmpty(t, b.Why)
	}
	assert.Equal(t, []string{"dbsc", "page", "none"}, names)
	assert.InDelta(t, 1, shares, 1e-9)
	names = nil
	for _, l := range roaming.Loots() {
		names = append(names, l.Name)
		assert.NotEmpty(t, l.Habits)
	}
	assert.Equal(t, []string{"log", "HAR file", "interceptor", "profile", "malware"}, names)
}

// What device keys are for: at most one honest session of a hundred a week is ended,
// and hardly anybody interrupted, for all who have the cookies alone.
func TestTheAimOfDeviceKeys(t *testing.T) {
	const endedAim, promptsAim, stoppedAim = 0.01, 0.2, 0.99
	for _, f := range []roaming.Figures{with(t, allBound, "proven"), with(t, allKeys, "address"), with(t, allBound, "address")} {
		assert.LessOrEqual(t, f.Ended, endedAim, f.Name)
		assert.LessOrEqual(t, f.Prompts, promptsAim, f.Name)
		assert.GreaterOrEqual(t, f.Soon, stoppedAim, f.Name)
	}
	assert.GreaterOrEqual(t, with(t, allKeys, "address").Stopped, stoppedAim, "at once, without a bound cookie")
	assert.InDelta(t, 1, with(t, allBound, "proven").Soon, 1e-9, "in the end")
	assert.Greater(t, with(t, allBound, "proven").Stopped, 0.95, "at once")
	assert.Less(t, with(t, allBound, "proven").Stopped, stoppedAim, "but not as many as the address stops")
}

// How Proven is chosen: of what asks a device hardly more than twice a working week it
// stops the most and, of that, the most where no browser has a key, at Balanced's price.
func TestProvenIsTheBestAtItsPrice(t *testing.T) {
	const proofsPrice, balancedPrice = 5, 0.10
	proven, keyless := with(t, allKeys, "proven"), with(t, withoutKeys, "proven")
	assert.Less(t, proven.Proofs, float64(proofsPrice))
	assert.Less(t, keyless.Ended, balancedPrice)
	for _, c := range replay.Proving() {
		name := c.Network.String() + "+" + c.GeoIP.String()
		if with(t, allKeys, name).Proofs < proofsPrice {
			assert.LessOrEqual(t, with(t, allKeys, name).Stopped, proven.Stopped, name)
		}
		if with(t, withoutKeys, name).Ended < balancedPrice {
			assert.LessOrEqual(t, with(t, withoutKeys, name).Stopped, keyless.Stopped, name)
		}
	}
}

func TestWithoutKeysProvenIsBalanced(t *testing.T) {
	proven, balanced := with(t, withoutKeys, "proven"), with(t, withoutKeys, "balanced")
	assert.InDelta(t, balanced.Ended, proven.Ended, 0.005)
	assert.InDelta(t, balanced.Prompts, proven.Prompts, 0.05)
	assert.InDelta(t, balanced.Stopped, proven.Stopped, 0.005)
	assert.Zero(t, proven.Proofs)
}

// A policy that asks for no proof does the same to everybody, with keys and without.
func TestKeysAloneChangeNothing(t *testing.T) {
	for _, name := range []string{"relaxed", "balanced", "strict"} {
		without := with(t, withoutKeys, name)
		for _, s := range []roaming.Setting{allKeys, most} {
			f := with(t, s, name)
			for _, pair := range [][2]float64{{without.Ended, f.Ended}, {without.Prompts, f.Prompts}, {without.Stopped, f.Stopped}, {without.Profile, f.Profile}, {without.Malware, f.Malware}} {
				assert.InDelta(t, pair[0], pair[1], 1e-9, name)
			}
			assert.Zero(t, f.Proofs)
		}
	}
}

func TestTheShareOfKeysLiesBetween(t *testing.T) {
	all, some, without := with(t, allKeys, "proven"), with(t, most, "proven"), with(t, withoutKeys, "proven")
	between := func(of func(roaming.Figures) float64) {
		assert.InDelta(t, 0.7*of(all)+0.3*of(without), of(some), 1e-9)
	}
	between(func(f roaming.Figures) float64 { return f.Ended })
	between(func(f roaming.Figures) float64 { return f.Prompts })
	between(func(f roaming.Figures) float64 { return f.Proofs })
	between(func(f roaming.Figures) float64 { return f.Stopped })
	between(func(f roaming.Figures) float64 { return f.Profile })
	between(func(f roaming.Figures) float64 { return f.Malware })
}

// Said, not hidden: a thief who can use the key is not stopped by proofs.
func TestThievesWhoCanUseTheKeyGetThrough(t *testing.T) {
	for _, s := range []roaming.Setting{allKeys, allBound} {
		f := with(t, s, "proven")
		assert.Zero(t, f.ByKey[page][profile], "the key is in the copied profile")
		assert.Zero(t, f.ByKey[page][malware])
		assert.Zero(t, f.ByKey[dbsc][malware])
		assert.Greater(t, f.ByKey[dbsc][profile], 0.85, "the key is in hardware")
		assert.Zero(t, f.Malware)
	}
	assert.Equal(t, with(t, allKeys, "proven").ByKey[dbsc][fromLog], with(t, allKeys, "proven").ByKey[dbsc][profile])
	strict := with(t, allKeys, "strict")
	assert.InDelta(t, strict.Stopped, strict.Malware, 1e-9, "what ends a session ends it for them too")
}

func TestWhatABoundCookieStops(t *testing.T) {
	for _, name := range []string{"no binding", "proven"} {
		f := with(t, allBound, name)
		assert.InDelta(t, 1, f.ByKey[dbsc][fromLog], 1e-9, "it is over by then")
		assert.InDelta(t, 1, f.ByKey[page][fromLog], 1e-9)
		assert.Greater(t, f.ByKey[page][fromHAR], 0.9)
		assert.Less(t, f.ByAll[page][intercepted][sameCarrier], f.ByAll[page][fromHAR][sameCarrier], "it still holds a moment after it was seen")
		assert.InDelta(t, 1, f.Soon, 1e-9)
	}
	assert.InDelta(t, 0.1, with(t, allBound, "no binding").ByKey[page][intercepted], 0.05, "two minutes of ten, half of it")
	assert.Zero(t, with(t, allKeys, "no binding").Stopped)
	assert.Zero(t, with(t, allKeys, "no binding").Soon)
}

// A remembered proof lets in those who come from where the user has proved the key.
func TestARememberedProofHelpsTheThiefBeside(t *testing.T) {
	proven, strict := with(t, allKeys, "proven"), with(t, withoutKeys, "strict")
	assert.Less(t, proven.StoppedBy[sameCarrier], strict.StoppedBy[sameCarrier])
	assert.Greater(t, proven.StoppedBy[sameCarrier], 0.5)
	assert.Greater(t, proven.StoppedBy[otherCountry], 0.98)
}

// What the model says of lost keys: 1 % of the page keys a week, 0.1 % of the others.
func TestLostKeysInterrupt(t *testing.T) {
	browsers := roaming.Browsers()
	hardware, script := browsers[dbsc].Share/(browsers[dbsc].Share+browsers[page].Share), browsers[page].Share/(browsers[dbsc].Share+browsers[page].Share)
	lost := hardware*0.001 + script*0.01
	bound := with(t, allBound, "no binding")
	assert.InDelta(t, lost, bound.Ended, 1e-9, "a bound cookie misses each of them")
	assert.InDelta(t, lost, bound.Prompts, 1e-9)
	assert.Zero(t, with(t, allKeys, "no binding").Ended, "and nothing else does where nothing is asked")
	proven := with(t, allKeys, "proven")
	assert.Greater(t, proven.Ended, 0.0)
	assert.Less(t, proven.Ended, lost, "not each of them moves where it is asked")
	assert.InDelta(t, 55, bound.Proofs, 1e-9, "one a use")
}

func TestMistakesInSettings(t *testing.T) {
	for _, s := range []roaming.Setting{{Keys: -0.1}, {Keys: 1.1}, {Keys: math.NaN()}, {ProveEvery: -1}, {ProveEvery: 2 * time.Hour}} {
		_, err := roaming.Run(roaming.Config{Seed: 1, Sessions: 1, Settings: []roaming.Setting{s}})
		assert.ErrorContains(t, err, "want", "%+v", s)
	}
}
