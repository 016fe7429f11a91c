package loginstage_test

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
)

func TestAPresetBindsASession(t *testing.T) {
	var config loginstage.Config
	require.NoError(t, json.Unmarshal([]byte(`{"preset":"balanced"}`), &config))
	synctest.Test(t, func(t *testing.T) {
		v := travel(t, config)
		assert.Equal(t, binding.Balanced(), v.stored().Policy)
		assert.Equal(t, passes, v.visit(bindingtest.Hamburg))
		assert.Equal(t, denied, v.visit(bindingtest.Paris))
		assert.Equal(t, binding.GeoIPCountryChanged, v.ended())
	})
}

// What is done, and the lists that an operator keeps, are the host's.
func TestAPresetLeavesActionsAndListsToTheHost(t *testing.T) {
	exempt, err := binding.NewPrefixes(netip.PrefixFrom(bindingtest.Paris, 32))
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		v := travel(t, loginstage.Config{
			Preset: binding.PresetStrict, Tolerance: binding.Tolerance{Exempt: exempt}, Actions: binding.Always(binding.StepUp),
		})
		require.Equal(t, http.StatusOK, v.visit(bindingtest.Paris))
		assert.Empty(t, v.stored().Drift.Restricted)
		require.Equal(t, http.StatusOK, v.visit(bindingtest.Tokyo))
		assert.NotEmpty(t, v.stored().Drift.Restricted)
	})
}
