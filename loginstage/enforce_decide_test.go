package loginstage_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

func TestTheStrictestActionCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := loginstage.Config{
			NetworkBinding: binding.NetworkASN, GeoIPBinding: binding.GeoIPCountry,
			Actions: binding.Actions{}.With(binding.Report, binding.NetworkASNChanged),
		}
		v := travel(t, config)
		require.Equal(t, passes, v.visit(bindingtest.BerlinMobile), "another network alone is reported")
		require.Equal(t, denied, v.visit(bindingtest.Paris))
		assert.Equal(t, binding.GeoIPCountryChanged, v.ended())
	})
}

func TestDecide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []binding.Action
		answer := binding.Report
		config := loginstage.Config{
			NetworkBinding: binding.NetworkASN, Actions: binding.Actions{}.With(binding.StepUp, binding.NetworkMissing),
			Decide: func(_ context.Context, s session.Session, d binding.Decision) binding.Action {
				assert.Equal(t, "ada", s.User)
				asked = append(asked, d.Action)
				return answer
			},
		}
		v := travel(t, config)
		require.Equal(t, passes, v.visit(bindingtest.BerlinNeighbour))
		assert.Empty(t, asked, "nothing is broken")
		require.Equal(t, passes, v.visit(bindingtest.Paris))
		require.Equal(t, passes, v.visit(bindingtest.Unlocated))
		assert.Equal(t, []binding.Action{binding.End, binding.StepUp}, asked)
		assert.Len(t, v.told(loginstage.ActionReport), 2)
		assert.Empty(t, v.stored().Drift.Restricted)

		for _, explain := range []bool{false, true} {
			config.ExplainEvents = explain
			answer = 77
			v = travel(t, config)
			require.Equal(t, denied, v.visit(bindingtest.Paris), "what is no action ends")
			assert.Equal(t, binding.NetworkASNChanged, v.ended(), "and the event says for what")
		}
	})
}
