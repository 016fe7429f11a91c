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

// A preset's actions are its own, until the host says others.
func TestThePresetSaysWhatIsDone(t *testing.T) {
	mild := binding.Actions{}.With(binding.Report, binding.GeoIPCountryChanged)
	for name, test := range map[string]struct {
		config loginstage.Config
		want   binding.Policy
	}{
		"its own":        {loginstage.Config{}, binding.Proven()},
		"other actions":  {loginstage.Config{Actions: mild}, withActions(mild, binding.Proven().Unproved)},
		"without a key":  {loginstage.Config{Unproved: mild}, withActions(binding.Always(binding.Prove), mild)},
		"reporting only": {loginstage.Config{ReportOnly: true}, withActions(binding.Always(binding.Report), binding.Proven().Unproved)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test.config.Preset = binding.PresetProven
				assert.Equal(t, test.want, travel(t, test.config).stored().Policy)
			})
		})
	}
}

// withActions returns Proven with other actions.
func withActions(actions, unproved binding.Actions) binding.Policy {
	policy := binding.Proven()
	policy.Actions, policy.Unproved = actions, unproved
	return policy
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

// A session that has no key to prove is held to what Unproved says.
func TestASessionWithoutAKeyIsNotAskedForOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := travel(t, loginstage.Config{Preset: binding.PresetProven})
		assert.Equal(t, passes, v.visit(bindingtest.Munich), "another network")
		assert.Equal(t, denied, v.visit(bindingtest.Paris))
		assert.Equal(t, binding.GeoIPCountryChanged, v.ended())
	})
}
