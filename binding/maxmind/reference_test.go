package maxmind_test

import (
	"encoding/json"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/maxmind"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The answers of another implementation, where MOORING_REFERENCE names a
// directory that has them: vectors/binding.json, and the databases that they
// come from, mmdb/GeoLite2-ASN-Test.mmdb and mmdb/GeoLite2-City-Test.mmdb.
//
// That implementation differs in two ways. It takes two places with the same
// GeoName ID for different ones where their names are spelled differently. And it
// tells of a country whether it is in the European Union, which is left out here.
func TestReference(t *testing.T) {
	reference := os.Getenv("MOORING_REFERENCE")
	if reference == "" {
		t.Skip("MOORING_REFERENCE names no directory with vectors/ and mmdb/")
	}
	db, err := maxmind.Open(maxmind.Config{
		ASN:  filepath.Join(reference, "mmdb", "GeoLite2-ASN-Test.mmdb"),
		City: filepath.Join(reference, "mmdb", "GeoLite2-City-Test.mmdb"),
	})
	require.NoError(t, err)
	vectors := readVectors(t, reference)

	spelledDifferently := 0
	for i, v := range vectors {
		var policy binding.Policy
		switch v.Kind {
		case "network":
			policy.Network, err = binding.ParseNetwork(v.Binding)
		case "geoip":
			policy.GeoIP, err = binding.ParseGeoIP(v.Binding)
		default:
			t.Fatalf("vector %d has kind %q", i, v.Kind)
		}
		require.NoError(t, err)

		broken := policy.Check(locate(t, db, v.LastIP), locate(t, db, v.NewIP))
		if samePlace(v.Previous, v.New) {
			spelledDifferently++
			if broken != nil {
				assert.NotEqual(t, v.Reason, broken.Reason, "vector %d: %+v", i, v)
			}
			continue
		}
		if v.Reason == "" {
			assert.Nil(t, broken, "vector %d: %+v", i, v)
			continue
		}
		if assert.NotNil(t, broken, "vector %d: %+v", i, v) {
			assert.Equal(t, v.Reason, broken.Reason, "vector %d: %+v", i, v)
			assert.JSONEq(t, asJSON(t, withoutUnion(v.Previous)), asJSON(t, broken.Previous), "vector %d", i)
			assert.JSONEq(t, asJSON(t, withoutUnion(v.New)), asJSON(t, broken.New), "vector %d", i)
		}
	}
	t.Logf("%d vectors; %d of them break by spelling alone", len(vectors), spelledDifferently)
}

// vector is one answer of the other implementation.
type vector struct {
	Kind     string         `json:"kind"`
	Binding  string         `json:"binding"`
	LastIP   netip.Addr     `json:"last_ip"`
	NewIP    netip.Addr     `json:"new_ip"`
	Reason   binding.Reason `json:"reason"`
	Previous any            `json:"previous_value"`
	New      any            `json:"new_value"`
}

func readVectors(t *testing.T, reference string) []vector {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(reference, "vectors", "binding.json"))
	require.NoError(t, err)
	var vectors []vector
	require.NoError(t, json.Unmarshal(text, &vectors))
	require.NotEmpty(t, vectors)
	return vectors
}

// samePlace reports whether both values are places with the same GeoName ID.
func samePlace(previous, next any) bool {
	a, _ := previous.(map[string]any)
	b, _ := next.(map[string]any)
	return a["geoname_id"] != nil && a["geoname_id"] == b["geoname_id"]
}

func withoutUnion(value any) any {
	if place, ok := value.(map[string]any); ok {
		place = maps.Clone(place)
		delete(place, "is_in_european_union")
		return place
	}
	return value
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}
