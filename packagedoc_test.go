package mooring_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every package that a host can import says what stays compatible, and has an
// Example. Nested modules are looked at too.
func TestPackagesSayWhatStaysCompatibleAndHaveAnExample(t *testing.T) {
	private := []string{"benchmarks", "examples", "cmd", "scripts"}
	looked := 0
	require.NoError(t, filepath.WalkDir(".", func(dir string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		switch base := filepath.Base(dir); {
		case base != "." && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")),
			base == "internal", base == "testdata", base == "integration", base == "generate":
			return fs.SkipDir
		}
		for _, name := range private {
			if dir == name {
				return fs.SkipDir
			}
		}
		comment, importable, example := documentation(t, dir)
		if importable {
			looked++
			assert.Contains(t, comment, "# What stays compatible\n", "the package comment of %s", dir)
			assert.True(t, example, "%s has no Example", dir)
		}
		return nil
	}))
	assert.Greater(t, looked, 10)
}

// documentation returns the comment of the package in the directory, whether there is
// one that can be imported, and whether its tests have an Example.
func documentation(t *testing.T, dir string) (comment string, importable, example bool) {
	t.Helper()
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, name := range names {
		if filepath.Ext(name.Name()) != ".go" {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, name.Name()), nil, parser.ParseComments)
		require.NoError(t, err)
		if !strings.HasSuffix(name.Name(), "_test.go") {
			comment += file.Doc.Text()
			importable = importable || file.Name.Name != "main"
			continue
		}
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			example = example || ok && strings.HasPrefix(function.Name.Name, "Example")
		}
	}
	return comment, importable, example
}
