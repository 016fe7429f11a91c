package whatif

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The documentation shows what the program prints: docs/policies.md and
// docs/device-keys.md whole tables, the README figures of two rows.
func TestTheDocumentationShowsTheModel(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		return string(text)
	}
	printed := read("testdata/model.md") // as TestTheModel finds it
	tables := strings.Split(strings.TrimSpace(printed), "\n\n")
	require.Len(t, tables, 6)
	totals, proofs, byLoot := tables[0], tables[1], tables[4]
	policies, keys, readme := read("../../../../docs/policies.md"), read("../../../../docs/device-keys.md"), read("../../../../README.md")
	assert.Contains(t, policies, totals)
	assert.Contains(t, policies, proofs)
	assert.Contains(t, keys, proofs)
	assert.Contains(t, keys, byLoot)
	assert.Contains(t, readme, "(docs/model.svg)")
	for _, row := range []string{"| proven | 100 % | 10 min |", "| proven | 0 % | no |"} {
		_, figures, found := strings.Cut(proofs, row)
		require.True(t, found, row)
		cells := strings.Split(figures, " | ")
		ended, stopped := strings.TrimSpace(cells[0]), cells[3]
		assert.Contains(t, readme, ended+" of honest sessions ended, "+stopped+" of stolen cookies stopped at once")
	}
}
