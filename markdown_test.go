package mooring_test

import (
	"encoding/json"
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	goBlock = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	notSlug = regexp.MustCompile(`[^\p{L}\p{N}\- _]`)
)

// Every Go block in the documentation is a whole file that a reader can copy, and
// it compiles. The workspace has the modules that some of them import.
func TestGoInMarkdownCompiles(t *testing.T) {
	var env struct{ GOWORK string }
	goJSON(t, &env, "env", "-json")
	if env.GOWORK == "" || env.GOWORK == "off" {
		t.Skip("outside of the workspace, not every module is at hand")
	}
	root, err := os.Getwd()
	require.NoError(t, err)
	files := t.TempDir()
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	var packages []string
	for name, text := range markdown(t) {
		for i, block := range goBlock.FindAllStringSubmatch(text, -1) {
			where := fmt.Sprintf("%s, Go block %d", name, i+1)
			formatted, err := format.Source([]byte(block[1]))
			require.NoError(t, err, where)
			assert.Equal(t, string(formatted), block[1], "%s is not formatted", where)
			require.True(t, strings.HasPrefix(block[1], "package "), "%s is not a whole file", where)

			dir := "markdown" + strings.NewReplacer("/", "_", ".", "_").Replace(name) + fmt.Sprint(i+1)
			source := filepath.Join(files, dir+".go")
			require.NoError(t, os.WriteFile(source, []byte(block[1]), 0o600))
			overlay.Replace[filepath.Join(root, dir, "block.go")] = source
			packages = append(packages, "./"+dir)
		}
	}
	require.Contains(t, packages, "./markdownREADME_md1")
	encoded, err := json.Marshal(overlay)
	require.NoError(t, err)
	overlayFile := filepath.Join(files, "overlay.json")
	require.NoError(t, os.WriteFile(overlayFile, encoded, 0o600))
	build := exec.CommandContext(t.Context(), "go", append([]string{"build", "-overlay", overlayFile}, packages...)...)
	printed, err := build.CombinedOutput()
	require.NoError(t, err, string(printed))
}

// A link to a file of the repository leads to one, and to a heading that is there.
func TestLinksInMarkdownLeadSomewhere(t *testing.T) {
	texts := markdown(t)
	for name, text := range texts {
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			target, anchor, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			to := name
			if target != "" {
				to = filepath.ToSlash(filepath.Join(filepath.Dir(name), target))
				_, err := os.Stat(to)
				assert.NoError(t, err, "%s links to %s", name, match[1])
			}
			if anchor != "" {
				assert.Contains(t, anchors(texts[to]), anchor, "%s links to %s", name, match[1])
			}
		}
	}
}

func TestReadmeIsShort(t *testing.T) {
	assert.Less(t, strings.Count(markdown(t)["README.md"], "\n"), 150)
}

// markdown returns the text of the repository's own documentation, by file.
func markdown(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md"} {
		names, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, name := range names {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			texts[filepath.ToSlash(name)] = string(text)
		}
	}
	require.Contains(t, texts, "README.md")
	return texts
}

// anchors returns the names by which GitHub links to the headings of text.
func anchors(text string) []string {
	var names []string
	for _, match := range heading.FindAllStringSubmatch(text, -1) {
		name := notSlug.ReplaceAllString(strings.ToLower(match[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}
