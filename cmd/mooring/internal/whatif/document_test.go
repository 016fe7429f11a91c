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
	document, err := os.ReadFile("../../../../docs/policies.md")
	require.NoError(t, err)
	printed, err := os.ReadFile("testdata/model.md") // as TestTheModel finds it
	require.NoError(t, err)
	total, _, _ := strings.Cut(string(printed), "\n\n")
	assert.Contains(t, string(document), strings.TrimSpace(total))
}
