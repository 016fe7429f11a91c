package binding_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/mooring-go/mooring/binding"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var networkLevels = map[string]binding.Network{
	"no_binding":          binding.NetworkOff,
	"bind_asn":            binding.NetworkASN,
	"bind_asn_network":    binding.NetworkASNNetwork,
	"bind_asn_network_ip": binding.NetworkASNNetworkIP,
}

var geoIPLevels = map[string]binding.GeoIP{
	"no_binding":                  binding.GeoIPOff,
	"bind_continent":              binding.GeoIPContinent,
	"bind_continent_country":      binding.GeoIPCountry,
	"bind_continent_country_city": binding.GeoIPCity,
}

func TestLevelsAreReadAndWrittenAsText(t *testing.T) {
	for name, want := range networkLevels {
		level, err := binding.ParseNetwork(name)
		require.NoError(t, err)
		assert.Equal(t, want, level)
		assert.Equal(t, name, level.String())
		assert.Equal(t, `"`+name+`"`, asJSON(t, level))

		var read binding.Network
		require.NoError(t, json.Unmarshal([]byte(`"`+name+`"`), &read))
		assert.Equal(t, want, read)
	}
	for name, want := range geoIPLevels {
		level, err := binding.ParseGeoIP(name)
		require.NoError(t, err)
		assert.Equal(t, want, level)
		assert.Equal(t, name, level.String())
		assert.Equal(t, `"`+name+`"`, asJSON(t, level))

		var read binding.GeoIP
		require.NoError(t, json.Unmarshal([]byte(`"`+name+`"`), &read))
		assert.Equal(t, want, read)
	}
}

func TestLevelErrors(t *testing.T) {
	for _, input := range []string{"", "asn", "BIND_ASN", " bind_asn", "bind_asn\n", "bind_continent", "1", "off"} {
		_, err := binding.ParseNetwork(input)
		levelError, ok := errors.AsType[*binding.LevelError](err)
		require.True(t, ok, "%q", input)
		assert.Equal(t, input, levelError.Input)
		for name := range networkLevels {
			assert.ErrorContains(t, err, name, "says what is allowed")
		}

		level := binding.NetworkASN
		require.Error(t, level.UnmarshalText([]byte(input)))
		assert.Equal(t, binding.NetworkASN, level, "unchanged by an error")
	}
	for _, input := range []string{"", "country", "bind_country", "bind_asn"} {
		_, err := binding.ParseGeoIP(input)
		levelError, ok := errors.AsType[*binding.LevelError](err)
		require.True(t, ok, "%q", input)
		assert.Equal(t, input, levelError.Input)
		for name := range geoIPLevels {
			assert.ErrorContains(t, err, name, "says what is allowed")
		}

		level := binding.GeoIPCity
		require.Error(t, level.UnmarshalText([]byte(input)))
		assert.Equal(t, binding.GeoIPCity, level, "unchanged by an error")
	}
}

func TestNumbersThatAreNoLevel(t *testing.T) {
	assert.Equal(t, "Network(4)", binding.Network(4).String())
	assert.Equal(t, "GeoIP(255)", binding.GeoIP(255).String())

	_, err := binding.Network(4).MarshalText()
	assert.ErrorContains(t, err, "4")
	_, err = binding.GeoIP(255).MarshalText()
	assert.ErrorContains(t, err, "255")
}

// What an error allows is the caller's to keep: changing it changes nothing.
func TestLevelErrorIsNotTheTable(t *testing.T) {
	_, err := binding.ParseNetwork("x")
	levelError, ok := errors.AsType[*binding.LevelError](err)
	require.True(t, ok)
	levelError.Allowed[0] = "changed"
	assert.Equal(t, "no_binding", binding.NetworkOff.String())
}

func FuzzLevels(f *testing.F) {
	for name := range networkLevels {
		f.Add(name)
		f.Add(strings.ToUpper(name))
	}
	for name := range geoIPLevels {
		f.Add(name)
		f.Add(name + "_")
	}
	f.Fuzz(func(t *testing.T, input string) {
		if level, err := binding.ParseNetwork(input); err == nil {
			assert.Equal(t, input, level.String(), "one spelling only")
		} else {
			assert.Equal(t, binding.NetworkOff, level)
			_, ok := errors.AsType[*binding.LevelError](err)
			assert.True(t, ok)
		}
		if level, err := binding.ParseGeoIP(input); err == nil {
			assert.Equal(t, input, level.String(), "one spelling only")
		} else {
			assert.Equal(t, binding.GeoIPOff, level)
			_, ok := errors.AsType[*binding.LevelError](err)
			assert.True(t, ok)
		}
	})
}

func FuzzPolicyJSON(f *testing.F) {
	f.Add([]byte(`{"network":"bind_asn","geoip":"bind_continent_country"}`))
	f.Add([]byte(`{"network":"","geoip":null}`))
	f.Add([]byte(`{"network":1}`))
	f.Add([]byte(`{"same_ip":"ipv4=32,ipv6=64","families":"learn","missing":"hold_same_class","local":"hold","max_moves":5}`))
	f.Add([]byte(`{"asn_groups":"6805+8881,3320","exempt":"192.0.2.7/24,::/0","actions":"*=report,network.asn=end"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var policy, again binding.Policy
		if json.Unmarshal(text, &policy) != nil {
			return
		}
		require.NoError(t, json.Unmarshal([]byte(asJSON(t, policy)), &again), "what was read can be written")
		assert.Equal(t, asJSON(t, policy), asJSON(t, again))
	})
}
