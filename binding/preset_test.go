package binding_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/mooring-go/mooring/binding"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPresetsAreNamedInText(t *testing.T) {
	for name, want := range map[string]binding.Policy{
		"none": {}, "relaxed": binding.Relaxed(), "balanced": binding.Balanced(), "strict": binding.Strict(),
		"proven": binding.Proven(),
	} {
		var read struct{ Preset binding.Preset }
		require.NoError(t, json.Unmarshal([]byte(`{"Preset":"`+name+`"}`), &read))
		assert.Equal(t, want, read.Preset.Policy())
		assert.NoError(t, want.Validate())
		assert.Equal(t, name, read.Preset.String())
		text, err := read.Preset.MarshalText()
		require.NoError(t, err)
		assert.Equal(t, name, string(text))
	}
	preset := binding.PresetStrict
	err := preset.UnmarshalText([]byte("lax"))
	assert.EqualError(t, err, `binding: "lax" is not a preset, want one of none, relaxed, balanced, strict, proven`)
	_, isLevel := errors.AsType[*binding.LevelError](err)
	assert.True(t, isLevel)
	assert.Equal(t, binding.PresetStrict, preset, "as it was")
	_, err = binding.Preset(9).MarshalText()
	assert.Error(t, err)
	assert.Equal(t, binding.Strict(), binding.Preset(9).Policy(), "what is no preset lets nothing pass")
}

func FuzzPresetsGrowStricter(f *testing.F) {
	for n := range uint64(300) {
		f.Add(n*2_654_435_761, n*40_503)
	}
	f.Fuzz(func(t *testing.T, from, to uint64) {
		a, b := drawLocation(from), drawLocation(to)
		if binding.Strict().Check(a, b) == nil {
			assert.Nil(t, binding.Balanced().Check(a, b))
		}
		if binding.Balanced().Check(a, b) == nil {
			assert.Nil(t, binding.Relaxed().Check(a, b))
		}
	})
}

// Where a fact is unknown, the presets go by the classes of the addresses alone: each
// move between two local addresses, and between a local and a public one, holds.
func TestPresetsByClass(t *testing.T) {
	local := []string{"192.168.1.147", "10.0.0.7", "fd00::7", "100.78.209.5", "127.0.0.1", "::1", "fe80::1", "169.254.7.7"}
	unlocated := []string{"9.5.9.9", "2a00:5::9"}
	for _, policy := range []binding.Policy{binding.Relaxed(), binding.Balanced()} {
		for _, from := range append(local, "9.9.9.9") {
			for _, to := range append(local, unlocated...) {
				a, b := in(from, 0, "", ""), in(to, 0, "", "")
				assert.Empty(t, reason(policy.Check(a, b)), "%s to %s", from, to)
				assert.Empty(t, reason(policy.Check(b, a)), "%s to %s", to, from)
			}
			assert.Equal(t, binding.GeoIPMissing, reason(policy.Check(in("9.9.9.9", 0, "", ""), in("240.0.0.1", 0, "", ""))), "reserved")
			assert.Equal(t, binding.GeoIPMissing, reason(policy.Check(in(from, 0, "", ""), binding.Location{})), "no address")
		}
	}
}

// A record without the country counts like no record.
func TestPresetsWhereTheCountryIsUnknown(t *testing.T) {
	german := in("9.9.9.9", 64500, "9.9.0.0/16", "DE")
	european, other := in("9.5.9.9", 64501, "9.5.0.0/16", ""), in("9.4.9.9", 64501, "9.4.0.0/16", "")
	european.Geo, other.Geo = &binding.Geo{Continent: europe}, &binding.Geo{Continent: europe}
	asian := in("9.3.9.9", 64501, "9.3.0.0/16", "")
	asian.Geo = &binding.Geo{Continent: asia}
	for _, move := range [][2]binding.Location{{german, european}, {european, german}, {european, other}} {
		assert.Equal(t, binding.GeoIPMissing, reason(binding.Policy{GeoIP: binding.GeoIPCountry}.Check(move[0], move[1])))
		assert.Nil(t, binding.Policy{GeoIP: binding.GeoIPContinent}.Check(move[0], move[1]))
		assert.Nil(t, binding.Balanced().Check(move[0], move[1]), "as if there were no record")
		assert.Equal(t, "missing", binding.Balanced().Explain(move[0], move[1]).Rulings[4].By)
	}
	assert.Equal(t, binding.GeoIPContinentChanged, reason(binding.Balanced().Check(german, asian)), "what is known still counts")
}

func TestPresetsAtWork(t *testing.T) {
	var (
		home    = in("9.9.9.9", 64500, "9.9.0.0/16", "DE")
		home6   = in("2a00:1::1", 64500, "2a00:1::/32", "DE")
		moved   = in("9.8.9.9", 64500, "9.8.0.0/16", "DE")
		mobile  = in("9.7.9.9", 64501, "9.7.0.0/16", "DE")
		france  = in("9.6.9.9", 64502, "9.6.0.0/16", "FR")
		private = in("192.168.1.2", 0, "", "")
		nothing = in("9.5.9.9", 0, "", "")
		tokyo   = in("9.4.9.9", 64503, "9.4.0.0/16", "JP")
	)
	tokyo.Geo.Continent = asia
	for _, test := range []struct {
		name                      string
		to                        binding.Location
		relaxed, balanced, strict binding.Reason
	}{
		{"at home", home, "", "", ""},
		{"over IPv6", home6, "", "", ""},
		{"another prefix", moved, "", "", binding.NetworkPrefixChanged},
		{"another network", mobile, "", "", binding.NetworkASNChanged},
		{"another country", france, "", binding.GeoIPCountryChanged, binding.NetworkASNChanged},
		{"another continent", tokyo, binding.GeoIPContinentChanged, binding.GeoIPContinentChanged, binding.NetworkASNChanged},
		{"behind the same router", private, "", "", binding.NetworkMissing},
		{"nothing known", nothing, "", "", binding.NetworkMissing},
	} {
		assert.Equal(t, test.relaxed, reason(binding.Relaxed().Check(home, test.to)), test.name)
		assert.Equal(t, test.balanced, reason(binding.Balanced().Check(home, test.to)), test.name)
		assert.Equal(t, test.strict, reason(binding.Strict().Check(home, test.to)), test.name)
	}
}

// Proven asks a device with a key wherever Strict ends a session, and is Balanced
// otherwise.
func FuzzProvenBesideTheOtherPresets(f *testing.F) {
	for n := range uint64(300) {
		f.Add(n*2_654_435_761, n*40_503)
	}
	f.Fuzz(func(t *testing.T, from, to uint64) {
		a, b := drawLocation(from), drawLocation(to)
		withKey, withoutKey := binding.Proven().Explain(a, b), binding.Proven().WithoutKey().Explain(a, b)
		if binding.Strict().Check(a, b) != nil {
			assert.Equal(t, binding.Prove, withKey.Action)
		}
		if withKey.Action != binding.Allow {
			assert.Equal(t, binding.Prove, withKey.Action, "a session with a key is never ended")
		}
		if withoutKey.Action == binding.End {
			assert.NotNil(t, binding.Balanced().Check(a, b))
		}
		if found := binding.Balanced().Check(a, b); found != nil {
			assert.LessOrEqual(t, withoutKey.Action, binding.Report)
			if found.Reason != binding.GeoIPMissing {
				assert.Equal(t, binding.End, withoutKey.Action)
			}
		}
	})
}
