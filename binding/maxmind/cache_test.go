package maxmind

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
)

func TestACacheKeepsTheRecordsThatCameLast(t *testing.T) {
	var c cache[string, int]
	const sameSet = 7
	for i, key := range []string{"a", "b", "c"} {
		require.Nil(t, c.get(sameSet, key))
		require.Equal(t, i, *c.put(sameSet, key, i))
	}
	assert.Nil(t, c.get(sameSet, "a"), "there is room for two")
	for i, key := range []string{"b", "c"} {
		if held := c.get(sameSet, key); assert.NotNil(t, held, key) {
			assert.Equal(t, i+1, *held)
		}
	}
}

func TestPlacesOfOneCountryShareItsNames(t *testing.T) {
	db, err := Load(bindingtest.ASNFile(), bindingtest.CityFile())
	require.NoError(t, err)
	berlin, err := db.Locate(t.Context(), bindingtest.Berlin)
	require.NoError(t, err)
	hamburg, err := db.Locate(t.Context(), bindingtest.Hamburg)
	require.NoError(t, err)
	require.NotSame(t, berlin.Geo, hamburg.Geo)
	require.Equal(t, berlin.Geo.Country, hamburg.Geo.Country)
	assert.Equal(t, pointer(berlin.Geo.Country.Names), pointer(hamburg.Geo.Country.Names))
}

// pointer returns equal values for names that are the same map.
func pointer(names binding.Names) uintptr { return reflect.ValueOf(names).Pointer() }
