package mooring_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	asvsPackage = regexp.MustCompile("^ *`([a-z/]+)`: (.*)$")
	asvsTest    = regexp.MustCompile("^`(Test[A-Za-z0-9]+)`$")
	requirement = regexp.MustCompile(`^\| (7\.\d\.\d) `)
)

// Every requirement of the page about OWASP ASVS and NIST names a test, and each that it
// names is there. No requirement of ASVS 5.0, chapter V7, is left out.
func TestRequirementsNameTestsThatExist(t *testing.T) {
	directories := map[string]string{
		"": "loginstage", "session": "session", "webapp": "examples/webapp/internal/site", "flow": "examples/flow",
		"examples/websocket": "examples/websocket", "loginstage/integration": "loginstage/integration",
		"loginstage/useragent": "loginstage/useragent",
	}
	tests := map[string]map[string]bool{}
	for name, directory := range directories {
		tests[name] = testsIn(t, directory)
	}
	var found []string
	rows := 0
	for line := range strings.Lines(markdown(t)["docs/asvs.md"]) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| requirement") {
			continue
		}
		rows++
		if match := requirement.FindStringSubmatch(line); match != nil {
			found = append(found, match[1])
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		require.Len(t, cells, 4, line)
		for group := range strings.SplitSeq(cells[3], ";") {
			name := ""
			if match := asvsPackage.FindStringSubmatch(group); match != nil {
				name, group = match[1], match[2]
			}
			require.Contains(t, tests, name, line)
			for one := range strings.SplitSeq(group, ",") {
				match := asvsTest.FindStringSubmatch(strings.TrimSpace(one))
				if assert.NotNil(t, match, "%q is no test, in: %s", one, line) {
					assert.True(t, tests[name][match[1]], "%s has no %s, in: %s", directories[name], match[1], line)
				}
			}
		}
	}
	assert.Greater(t, rows, 40)
	assert.Equal(t, strings.Fields("7.1.1 7.1.2 7.1.3 7.2.1 7.2.2 7.2.3 7.2.4 7.3.1 7.3.2 7.4.1 7.4.2 7.4.3 7.4.4 7.4.5 7.5.1 7.5.2 7.5.3 7.6.1 7.6.2"), found)
}

// testsIn returns the names of the tests in a directory.
func testsIn(t *testing.T, directory string) map[string]bool {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(directory, "*_test.go"))
	require.NoError(t, err)
	require.NotEmpty(t, names, directory)
	tests := map[string]bool{}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, declaration := range file.Decls {
			if function, ok := declaration.(*ast.FuncDecl); ok && function.Recv == nil && strings.HasPrefix(function.Name.Name, "Test") {
				tests[function.Name.Name] = true
			}
		}
	}
	return tests
}
