package loginstage_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

func TestTheStoreKeepsWhatBecameOfABinding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		v := travel(t, loginstage.Config{
			Store: store, NetworkBinding: binding.NetworkASNNetwork, GeoIPBinding: binding.GeoIPCity,
			Tolerance: binding.Tolerance{Families: binding.FamiliesLearn, MaxMoves: 9},
			Actions:   binding.Actions{}.With(binding.StepUp, binding.GeoIPCityChanged).With(binding.Report, binding.NetworkPrefixChanged),
		})
		require.Equal(t, passes, v.visit(bindingtest.BerlinIPv6))
		require.Equal(t, passes, v.visit(bindingtest.BerlinOtherPrefix))
		require.Equal(t, passes, v.visit(bindingtest.Munich))

		kept, err := store.Get(t.Context(), v.stored().ID)
		require.NoError(t, err)
		assert.Equal(t, bindingtest.BerlinIPv6, kept.Drift.Second.IP)
		assert.EqualValues(t, 64496, kept.Drift.Second.ASN.Number)
		assert.Equal(t, binding.GeoIPCityChanged, kept.Drift.Restricted)
		assert.Len(t, kept.Drift.Moves, 1)
		assert.Len(t, kept.Drift.Reported, 1)
		assert.Equal(t, kept, v.stored())
		require.NoError(t, v.stage.Revoke(t.Context(), "ada", kept.ID, "admin"))
		_, err = store.Get(t.Context(), kept.ID)
		var ended *session.EndedError
		require.ErrorAs(t, err, &ended)
		assert.Equal(t, kept.Drift, ended.Session.Drift)
	})
}
