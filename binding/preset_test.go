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
	assert.EqualError(t, err, `binding: "lax" is not a preset, want one of none, relaxed, balanced, strict`)
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
