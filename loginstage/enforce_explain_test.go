package loginstage_test

import (
	"encoding/json"
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
)

func TestExplainedEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := loginstage.Config{
			NetworkBinding: binding.NetworkASNNetwork, GeoIPBinding: binding.GeoIPCity, ExplainEvents: true,
			Tolerance: binding.Tolerance{Exempt: new(binding.Prefixes), ASNGroups: new(binding.ASNGroups)},
			Actions:   binding.Always(binding.StepUp).With(binding.Report, binding.NetworkPrefixChanged).With(binding.End, binding.GeoIPCountryChanged),
		}
		require.NoError(t, config.Tolerance.Exempt.Set(netip.MustParsePrefix("203.0.113.0/24")))
		require.NoError(t, config.Tolerance.ASNGroups.Set([]uint32{64501, 64502}))
		v := travel(t, config)
		require.Equal(t, passes, v.visit(bindingtest.BerlinOtherPrefix))
		require.Equal(t, passes, v.visit(bindingtest.Munich))
		require.Equal(t, denied, v.visit(bindingtest.Paris))
		for action, want := range map[loginstage.Action]struct {
			action binding.Action
			reason binding.Reason
			to     netip.Addr
		}{
			loginstage.ActionReport: {binding.Report, binding.NetworkPrefixChanged, bindingtest.BerlinOtherPrefix},
			loginstage.ActionStepUp: {binding.StepUp, binding.GeoIPCityChanged, bindingtest.Munich},
			loginstage.ActionLogout: {binding.End, binding.GeoIPCountryChanged, bindingtest.Paris},
		} {
			events := v.told(action)
			require.Len(t, events, 1, action)
			text, err := json.Marshal(events[0].Context.Decision)
			require.NoError(t, err)
			var read binding.Decision
			require.NoError(t, json.Unmarshal(text, &read))
			assert.Equal(t, want.action, read.Action)
			assert.Equal(t, want.reason, read.Decisive)
			assert.Equal(t, want.reason, events[0].Context.Binding.Reason)
			assert.Equal(t, bindingtest.Berlin, read.From.IP)
			assert.Equal(t, want.to, read.To.IP)
			assert.Equal(t, "places", read.From.Generation)
			assert.Equal(t, "places", read.To.Generation)
			assert.True(t, read.Policy.ASNGroups.Same(64501, 64502))
			assert.Nil(t, read.Policy.Exempt, "it does not hold the address")
			assert.Len(t, read.Rulings, 8)
			again := read.Policy.Explain(read.From, read.To)
			assert.Equal(t, read.String(), again.String(), "decided again")
		}
	})
}
