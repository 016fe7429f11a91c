package whatif

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The README and the page about device keys show what the program prints.
func TestTheDocumentationShowsTheModel(t *testing.T) {
	readme, err := os.ReadFile("../../../../README.md")
	require.NoError(t, err)
	keys, err := os.ReadFile("../../../../docs/device-keys.md")
	require.NoError(t, err)
	printed, err := os.ReadFile("testdata/model.md") // as TestTheModel finds it
	require.NoError(t, err)
	tables := strings.Split(strings.TrimSpace(string(printed)), "\n\n")
	require.Len(t, tables, 6)
	totals, proofs, byLoot := tables[0], tables[1], tables[4]
	assert.Contains(t, string(readme), totals)
	assert.Contains(t, string(readme), proofs)
	assert.Contains(t, string(readme), "(docs/model.svg)")
	assert.Contains(t, string(keys), proofs)
	assert.Contains(t, string(keys), byLoot)
}
