package whatif

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The documentation shows what the program prints.
func TestTheDocumentationShowsTheModel(t *testing.T) {
	document := func(name string) string {
		text, err := os.ReadFile("../../../../" + name)
		require.NoError(t, err)
		return string(text)
	}
	printed, err := os.ReadFile("testdata/model.md") // as TestTheModel finds it
	require.NoError(t, err)
	tables := strings.Split(strings.TrimSpace(string(printed)), "\n\n")
	require.Len(t, tables, 6)
	totals, proofs, byLoot := tables[0], tables[1], tables[4]
	policies, keys := document("docs/policies.md"), document("docs/device-keys.md")
	assert.Contains(t, policies, totals)
	assert.Contains(t, policies, proofs)
	assert.Contains(t, keys, proofs)
	assert.Contains(t, keys, byLoot)

	var proven []string
	for i, row := range strings.Split(proofs, "\n") {
		if i < 2 || strings.HasPrefix(row, "| proven |") {
			proven = append(proven, row)
		}
	}
	require.Greater(t, len(proven), 2)
	_, begun, _ := strings.Cut(document("README.md"), "<!-- model: begin -->\n")
	shown, _, _ := strings.Cut(begun, "\n<!-- model: end -->")
	assert.Equal(t, strings.Join(proven, "\n"), shown)
}
