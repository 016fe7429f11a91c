package whatif

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The README shows what the program prints.
func TestTheREADMEShowsTheModel(t *testing.T) {
	readme, err := os.ReadFile("../../../../README.md")
	require.NoError(t, err)
	printed, err := os.ReadFile("testdata/model.md") // as TestTheModel finds it
	require.NoError(t, err)
	total, _, _ := strings.Cut(string(printed), "\n\n")
	assert.Contains(t, string(readme), strings.TrimSpace(total))
}
