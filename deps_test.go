// Package mooring_test checks how the packages of this repository may depend on
// each other and on other modules.
package mooring_test

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/mooring-go/mooring"

// core is what every host imports. Each package may import the standard library
// and the packages named here, all of them core themselves, and nothing else.
var core = map[string][]string{
	"duration":                   nil,
	"binding":                    nil,
	"binding/clientip":           {"binding"},
	"session/devicekey":          nil,
	"session/internal/setcookie": nil,
	"session":                    {"duration", "binding", "session/devicekey", "session/internal/setcookie"},
	"session/memstore":           {"duration", "binding", "session"},
	"loginstage":                 {"duration", "binding", "binding/clientip", "session", "session/devicekey", "session/memstore"},
	"loginstage/rpclogin":        {"loginstage", "session"},
	"loginstage/settings":        {"duration", "loginstage"},
}

// layers, lowest first: what is in or below one never imports from a later one.
var layers = [][]string{{"duration", "binding"}, {"session"}, {"loginstage"}, {"examples"}}

// direct is every module that the root go.mod may require directly.
var direct = []string{
	"github.com/gorilla/sessions",
	"github.com/oschwald/geoip2-golang/v2",
	"github.com/oschwald/maxminddb-golang/v2",
	"github.com/stretchr/testify",
}

func TestCoreImportsTheStandardLibraryAndItselfOnly(t *testing.T) {
	for dir, imports := range importsByDirectory(t) {
		allowed, isCore := core[dir]
		if !isCore {
			continue
		}
		for _, imported := range imports {
			inside, ours := strings.CutPrefix(imported, module+"/")
			if ours {
				assert.Contains(t, allowed, inside, "%s imports another package than the design allows", dir)
			} else {
				assert.True(t, isStandard(imported), "%s imports %s, which is not in the standard library", dir, imported)
			}
		}
	}
}

func TestImportsNeverPointBack(t *testing.T) {
	for dir, imports := range importsByDirectory(t) {
		for _, imported := range imports {
			if inside, ours := strings.CutPrefix(imported, module+"/"); ours {
				assert.LessOrEqual(t, layer(inside), layer(dir), "%s imports %s, which is built on it", dir, inside)
			}
		}
	}
}

// What is for tests only has no place in the binary of a server.
func TestTestingIsImportedByTestPackagesOnly(t *testing.T) {
	for dir, imports := range importsByDirectory(t) {
		if strings.HasSuffix(path.Base(dir), "test") {
			continue
		}
		for _, imported := range imports {
			first, _, _ := strings.Cut(imported, "/")
			assert.NotEqual(t, "testing", first, "%s is no test package", dir)
			assert.False(t, strings.HasPrefix(imported, "github.com/stretchr/"), "%s is no test package", dir)
		}
	}
}

func TestRootRequiresFewModules(t *testing.T) {
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
		Replace []any
	}
	goJSON(t, &mod, "mod", "edit", "-json")
	assert.Empty(t, mod.Replace, "a replace directive does not reach those who import the module")
	for _, require := range mod.Require {
		if !require.Indirect {
			assert.Contains(t, direct, require.Path, "belongs into a nested module")
		}
	}
}

// A host of one client of Redis has nothing of the other.
func TestClientsOfRedisDoNotMeet(t *testing.T) {
	for dir, other := range map[string]string{
		"session/redisstore": "rueidis", "session/rueidisstore": "go-redis", ".": "redis",
	} {
		for _, name := range []string{"go.mod", "go.sum"} {
			content, err := os.ReadFile(path.Join(dir, name))
			require.NoError(t, err)
			assert.NotContains(t, string(content), other, "%s/%s", dir, name)
		}
	}
}

func TestEveryModuleIsInTheWorkspace(t *testing.T) {
	var work struct{ Use []struct{ DiskPath string } }
	goJSON(t, &work, "work", "edit", "-json")
	var listed, found []string
	for _, use := range work.Use {
		listed = append(listed, path.Clean(use.DiskPath))
	}
	require.NoError(t, filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Name() == "go.mod" {
			found = append(found, filepath.ToSlash(filepath.Dir(name)))
		}
		return err
	}))
	assert.ElementsMatch(t, found, listed)
}

// An adapter of a framework is a module of its own below loginstage, and so is the one of
// a parser of user agents. It needs that framework, and of this repository the root module alone; what it needs for its tests
// alone is testify.
func TestAdaptersRequireTheRootAndTheirFramework(t *testing.T) {
	frameworks := map[string][]string{
		"ginlogin":     {"github.com/gin-gonic/gin"},
		"echo4login":   {"github.com/labstack/echo/v4"},
		"echo5login":   {"github.com/labstack/echo/v5"},
		"fiberlogin":   {"github.com/gofiber/fiber/v3", "github.com/valyala/fasthttp"},
		"grpclogin":    {"google.golang.org/grpc", "google.golang.org/protobuf", "google.golang.org/genproto/googleapis/rpc"},
		"connectlogin": {"connectrpc.com/connect", "google.golang.org/protobuf", "google.golang.org/genproto/googleapis/rpc"},
	}
	modules, err := filepath.Glob("loginstage/*login/go.mod")
	require.NoError(t, err)
	frameworks["useragent"] = []string{"github.com/medama-io/go-useragent"}
	modules = append(modules, "loginstage/useragent/go.mod")
	require.Len(t, modules, len(frameworks))
	for _, file := range modules {
		var mod struct {
			Require []struct {
				Path     string
				Indirect bool
			}
			Replace []any
		}
		goJSON(t, &mod, "mod", "edit", "-json", file)
		assert.Empty(t, mod.Replace, file)
		allowed := append([]string{module, "github.com/stretchr/testify"}, frameworks[path.Base(path.Dir(file))]...)
		for _, require := range mod.Require {
			if !require.Indirect {
				assert.Contains(t, allowed, require.Path, file)
			}
		}
	}
}

// goJSON runs the go command and reads what it prints.
func goJSON(t *testing.T, into any, arguments ...string) {
	t.Helper()
	printed, err := exec.CommandContext(t.Context(), "go", arguments...).Output()
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(printed, into))
}

// importsByDirectory returns what the code of this module imports, its tests left
// out, by slashed directory. Nested modules are not part of it.
func importsByDirectory(t *testing.T) map[string][]string {
	t.Helper()
	imports := map[string][]string{}
	require.NoError(t, filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return skipDirectory(name)
		case !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(name))
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			imports[dir] = append(imports[dir], imported)
		}
		return nil
	}))
	require.Contains(t, imports, "binding", "nothing was found: the test must run in the module's root")
	return imports
}

// skipDirectory returns fs.SkipDir for a directory that is not part of the
// root module.
func skipDirectory(name string) error {
	if name == "." {
		return nil
	}
	base := filepath.Base(name)
	if base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return fs.SkipDir
	}
	if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

// isStandard reports whether the first element of an import path has no dot,
// which only the standard library's do not.
func isStandard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

// layer returns the index into layers of the one that dir is in; a directory in none
// stands above all.
func layer(dir string) int {
	top, _, _ := strings.Cut(dir, "/")
	i := slices.IndexFunc(layers, func(names []string) bool { return slices.Contains(names, top) })
	if i < 0 {
		return len(layers)
	}
	return i
}
