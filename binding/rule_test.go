package binding

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// reasonConstants returns the values of all constants of type Reason.
func reasonConstants(t *testing.T) []Reason {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "broken.go", nil, 0)
	require.NoError(t, err)
	var reasons []Reason
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typed, ok := spec.Type.(*ast.Ident); ok && typed.Name == "Reason" {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			reasons = append(reasons, Reason(value))
		}
		return true
	})
	return reasons
}

func TestEachReasonHasARow(t *testing.T) {
	reasons := reasonConstants(t)
	require.NotEmpty(t, reasons)
	require.Len(t, rules, len(reasons))
	for i, reason := range reasons {
		row := rules[i]
		assert.Equal(t, reason, row.reason, "in the order in which they are checked")
		assert.NotZero(t, row.level, "%s: no level asks for it", reason)
		require.NotNil(t, row.value, reason)
		require.NotNil(t, row.decode, reason)
		assert.True(t, row.needs == 0 || !row.isOfRecords(), "%s: what is needed is compared", reason)
		comparing := 0
		for _, is := range []bool{row.equalASN != nil, row.equalGeo != nil, row.equalIP != nil} {
			if is {
				comparing++
			}
		}
		assert.LessOrEqual(t, comparing, 1, "%s: one way to compare", reason)

		known := Location{ASN: &ASN{Number: 1}, Geo: &Geo{}}
		text, err := json.Marshal(row.value(known))
		require.NoError(t, err, reason)
		_, err = row.decode(text)
		assert.NoError(t, err, "%s: what is written is read", reason)
	}
}

// The network comes before the place, and within each the records before what is in
// them, from the widest level to the narrowest.
func TestRowsAreInOrder(t *testing.T) {
	for i := 1; i < len(rules); i++ {
		before, row := rules[i-1], rules[i]
		if before.kind != row.kind {
			assert.Less(t, before.kind, row.kind)
			assert.True(t, row.isOfRecords(), "%s: the first of a kind is about the records", row.reason)
			continue
		}
		assert.LessOrEqual(t, before.level, row.level)
		assert.False(t, row.isOfRecords(), row.reason)
	}
}
