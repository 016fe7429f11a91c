// Package scripts_test cuts releases of a copy of this repository, and uses them as
// somebody does who has never seen it.
package scripts_test

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	module  = "github.com/mooring-go/mooring"
	version = "v0.98.7" // no release will have it
)

// programs is what a stranger builds of each released module that is imported, and
// what the program prints.
var programs = map[string]struct{ source, prints string }{
	module: {source: `package main

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"

	"github.com/mooring-go/mooring/loginstage"
)

func main() {
	login, err := loginstage.New(loginstage.Config{})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if _, err := login.Begin(w, r, loginstage.User{ID: "ada"}); err != nil {
			panic(err)
		}
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		_, ok := loginstage.Current(r.Context())
		fmt.Println("signed in:", ok)
	})
	server := httptest.NewTLSServer(login.Guard(mux))
	defer server.Close()
	client := server.Client()
	client.Jar, _ = cookiejar.New(nil)
	client.Get(server.URL)
	client.Post(server.URL+"/login", "", nil)
	client.Get(server.URL)
}
`, prints: "signed in: false\nsigned in: true\n"},

	module + "/loginstage/ginlogin": {source: `package main

import (
	"fmt"
	"net/http/httptest"

	"github.com/gin-gonic/gin"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/ginlogin"
)

func main() {
	login, err := loginstage.New(loginstage.Config{})
	if err != nil {
		panic(err)
	}
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.GET("/", ginlogin.Require(login), func(*gin.Context) {})
	w := httptest.NewRecorder()
	engine.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Println(w.Code)
}
`, prints: "401\n"},

	module + "/loginstage/echo4login": {source: `package main

import (
	"fmt"
	"net/http/httptest"

	"github.com/labstack/echo/v4"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/echo4login"
)

func main() {
	login, err := loginstage.New(loginstage.Config{})
	if err != nil {
		panic(err)
	}
	e := echo.New()
	e.GET("/", func(echo.Context) error { return nil }, echo4login.Require(login))
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Println(w.Code)
}
`, prints: "401\n"},

	module + "/loginstage/echo5login": {source: `package main

import (
	"fmt"
	"net/http/httptest"

	"github.com/labstack/echo/v5"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/echo5login"
)

func main() {
	login, err := loginstage.New(loginstage.Config{})
	if err != nil {
		panic(err)
	}
	e := echo.New()
	e.GET("/", func(*echo.Context) error { return nil }, echo5login.Require(login))
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Println(w.Code)
}
`, prints: "401\n"},

	module + "/loginstage/fiberlogin": {source: `package main

import (
	"fmt"
	"net/http/httptest"

	"github.com/gofiber/fiber/v3"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/fiberlogin"
)

func main() {
	login, err := loginstage.New(loginstage.Config{})
	if err != nil {
		panic(err)
	}
	app := fiber.New()
	app.Get("/", fiberlogin.Require(login), func(fiber.Ctx) error { return nil })
	response, err := app.Test(httptest.NewRequest("GET", "/", nil))
	if err != nil {
		panic(err)
	}
	fmt.Println(response.StatusCode)
}
`, prints: "401\n"},

	module + "/loginstage/grpclogin": {source: `package main

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/grpclogin"
)

func main() {
	login, err := loginstage.New(loginstage.Config{})
	if err != nil {
		panic(err)
	}
	guard := grpclogin.Guard{Login: login}
	_, err = guard.Unary(context.Background(), nil, &grpc.UnaryServerInfo{FullMethod: "/a.B/C"}, nil)
	fmt.Println(status.Code(err))
}
`, prints: "Unauthenticated\n"},

	module + "/loginstage/connectlogin": {source: `package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/connectlogin"
)

func main() {
	login, err := loginstage.New(loginstage.Config{})
	if err != nil {
		panic(err)
	}
	_ = connectlogin.Guard{Login: login}
	w := httptest.NewRecorder()
	login.Require(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("POST", "/a.B/C", nil))
	fmt.Println(w.Code)
}
`, prints: "401\n"},

	module + "/loginstage/settingsyaml": {source: `package main

import (
	"fmt"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/settingsyaml"
)

func main() {
	var s loginstage.Settings
	err := settingsyaml.Read(&s, []byte("session_duration: hours=8"))
	fmt.Println(s.SessionDuration, err)
}
`, prints: "hours=8 <nil>\n"},

	module + "/loginstage/useragent": {source: `package main

import (
	"fmt"

	"github.com/mooring-go/mooring/loginstage/useragent"
)

func main() {
	fmt.Println(useragent.Name("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"))
}
`, prints: "Firefox on Linux\n"},

	module + "/session/redisstore": {source: `package main

import (
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session/redisstore"
)

func main() {
	client := redis.NewClient(&redis.Options{Addr: "localhost:1", ContextTimeoutEnabled: true})
	store, err := redisstore.New(client, redisstore.Config{})
	if err != nil {
		panic(err)
	}
	_, err = loginstage.New(loginstage.Config{Store: store})
	fmt.Println("error:", err)
}
`, prints: "error: <nil>\n"},

	module + "/session/rueidisstore": {source: `package main

import (
	"fmt"

	"github.com/redis/rueidis"

	"github.com/mooring-go/mooring/session/rueidisstore"
)

func main() {
	_, err := rueidisstore.Dial(rueidis.ClientOption{})
	fmt.Println(err)
}
`, prints: "rueidisstore: InitAddress is empty: want the addresses of servers, or of Sentinels\n"},

	module + "/session/sessiontest/histories": {source: `package main

import (
	"context"
	"fmt"

	"github.com/mooring-go/mooring/session/memstore"
	"github.com/mooring-go/mooring/session/sessiontest/histories"
)

func main() {
	rounds, err := histories.CheckLinearizable(context.Background(), memstore.New())
	fmt.Println(rounds > 0, err)
}
`, prints: "true <nil>\n"},
}

// installed is what a stranger installs, and the arguments that it is tried with.
var installed = map[string][][]string{
	module + "/cmd/mooring": {{"version"}, {"whatif", "-demo", "-sessions", "1"}},
}

func TestRelease(t *testing.T) {
	repository := copyRepository(t)
	t.Run("refused", func(t *testing.T) { testRefused(t, repository.as(t)) })
	t.Run("used by a stranger", func(t *testing.T) { testStranger(t, repository.as(t)) })
	t.Run("followed by another", func(t *testing.T) { testNextRelease(t, repository.as(t)) })
}

// testStranger cuts a release, and uses each module of it from an empty one.
func testStranger(t *testing.T, repository *directory) {
	head := repository.run("git", "rev-parse", "HEAD")
	said := repository.run("bash", "scripts/release", version)
	assert.NotEqual(t, head, repository.run("git", "rev-parse", "HEAD"))
	assert.Empty(t, repository.run("git", "status", "--porcelain"))
	assert.Regexp(t, `(?m)^## Unreleased\n\n## `+regexp.QuoteMeta(version[1:])+` - \d{4}-\d\d-\d\d\n\n### `, repository.read("CHANGELOG.md"))

	released := releasedModules(t, repository)
	proxy, cache := repository.proxy(released), t.TempDir()
	for path := range released {
		tag := strings.TrimPrefix(path+"/"+version, module+"/")
		assert.Contains(t, said, " "+tag, "it is to be pushed")

		_, isImported := programs[path]
		_, isInstalled := installed[path]
		require.True(t, isImported || isInstalled, "%s is released, and nothing here uses it", path)
	}
	for path, program := range programs {
		t.Run(strings.TrimPrefix(path, module+"/"), func(t *testing.T) {
			stranger := newStranger(t, proxy, cache)
			stranger.run("go", "mod", "init", "example.com/stranger")
			stranger.run("go", "get", path+"@"+version)
			stranger.write("main.go", program.source)
			assert.Equal(t, program.prints, stranger.run("go", "run", "."))
			for line := range strings.Lines(stranger.run("go", "list", "-m", "all")) {
				if strings.HasPrefix(line, module) {
					assert.Equal(t, version, strings.Fields(line)[1], "all modules are of one release: %s", line)
				}
				if path == module {
					inGraph := func(prefix string) bool { return strings.HasPrefix(line, prefix) }
					assert.True(t, slices.ContainsFunc(graph, inGraph), "a host need not see %s", line)
				}
			}
		})
	}
	for path, tries := range installed {
		t.Run(strings.TrimPrefix(path, module+"/"), func(t *testing.T) {
			stranger := newStranger(t, proxy, cache)
			stranger.run("go", "install", path+"@"+version)
			for _, arguments := range tries {
				printed := stranger.run(filepath.Join(stranger.dir, "bin", filepath.Base(path)), arguments...)
				if arguments[0] == "version" {
					assert.Equal(t, filepath.Base(path)+" "+version+"\n", printed)
				}
				assert.NotEmpty(t, printed)
			}
		})
	}
}

// graph is what the modules begin with that a host gets which imports the core alone:
// no driver, no client and no router is among them.
var graph = []string{
	module + " ", "example.com/stranger", "github.com/gorilla/", "github.com/oschwald/", "github.com/stretchr/",
	"github.com/davecgh/", "github.com/pmezard/", "github.com/google/gofuzz ", "go.yaml.in/", "gopkg.in/", "golang.org/x/",
}

// testRefused finds that a tree which must not be released stays as it is.
func testRefused(t *testing.T, repository *directory) {
	clean := strings.TrimSpace(repository.run("git", "rev-parse", "HEAD"))
	state := func() string {
		return repository.run("git", "log", "--all", "--decorate=full") + repository.run("git", "status", "--porcelain")
	}
	for name, test := range map[string]struct {
		version string
		spoil   func(*directory)
		want    string
	}{
		"no version":             {"", nil, "want one like v0.1.0"},
		"a version without v":    {"0.2.0", nil, "want one like v0.1.0"},
		"a version with a zero":  {"v0.02.0", nil, "want one like v0.1.0"},
		"a version with a space": {"v0.2.0 x", nil, "want one like v0.1.0"},
		"another major version":  {"v2.0.0", nil, "have no /v2 at their end"},
		"changes": {version, func(d *directory) {
			d.write("new.txt", "new")
		}, "not committed"},
		"one tag is there": {version, func(d *directory) {
			d.run("git", "tag", "session/redisstore/"+version)
		}, "the tag session/redisstore/" + version + " exists"},
		"nothing in the changelog": {version, func(d *directory) {
			d.write("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n## 0.0.1\n\n- All.\n")
			d.run("git", "commit", "-qam", "changelog")
		}, "says nothing below"},
		"a replace directive": {version, func(d *directory) {
			d.run("go", "mod", "edit", "-replace", module+"=../..", "session/redisstore/go.mod")
			d.run("git", "commit", "-qam", "replace")
		}, "session/redisstore/go.mod has a replace directive"},
		"a module that needs one that is not released": {version, func(d *directory) {
			d.run("go", "mod", "edit", "-require", module+"/examples@v0.1.0", "session/redisstore/go.mod")
			d.run("git", "commit", "-qam", "require")
		}, "session/redisstore/go.mod requires examples, which is not released"},
	} {
		t.Run(name, func(t *testing.T) {
			repository := repository.as(t)
			if test.spoil != nil {
				test.spoil(repository)
			}
			before := state()
			_, said, err := repository.try("bash", "scripts/release", test.version)
			require.Error(t, err)
			assert.Contains(t, said, test.want)
			assert.Equal(t, before, state())

			repository.run("git", "reset", "-q", "--hard", clean)
			repository.run("git", "clean", "-qfd")
			repository.try("git", "tag", "-d", "session/redisstore/"+version)
		})
	}
}

// testNextRelease cuts a release of a tree that was released.
func testNextRelease(t *testing.T, repository *directory) {
	if !strings.Contains(repository.run("git", "tag"), version) {
		repository.run("bash", "scripts/release", version)
	}
	repository.write("CHANGELOG.md", strings.Replace(repository.read("CHANGELOG.md"), "## Unreleased\n", "## Unreleased\n\n- More.\n", 1))
	repository.run("git", "commit", "-qam", "more")
	repository.run("bash", "scripts/release", "v0.99.0-rc.1")
	assert.NotContains(t, repository.read("go.work")+repository.read("session/redisstore/go.mod"), version)
	assert.Contains(t, repository.read("session/redisstore/go.mod"), module+" v0.99.0-rc.1\n")
	assert.Contains(t, repository.read("CHANGELOG.md"), "\n## Unreleased\n\n## 0.99.0-rc.1 - ")
	assert.Contains(t, repository.run("git", "tag"), "session/redisstore/v0.99.0-rc.1\n")
	repository.run("go", "list", "-deps", "./session/redisstore") // the workspace still has all that it names
}

// releasedModules returns the directories of the modules that have a tag of the version,
// by path.
func releasedModules(t *testing.T, repository *directory) map[string]string {
	t.Helper()
	modules := map[string]string{}
	for tag := range strings.FieldsSeq(repository.run("git", "tag", "--points-at", "HEAD")) {
		dir := strings.TrimSuffix(strings.TrimSuffix(tag, version), "/")
		modules[strings.TrimSuffix(module+"/"+dir, "/")] = dir
	}
	require.Contains(t, modules, module)
	return modules
}

// A directory is where commands are run.
type directory struct {
	t   *testing.T
	dir string
	env []string
}

// as returns the directory for another test.
func (d *directory) as(t *testing.T) *directory {
	return &directory{t: t, dir: d.dir, env: d.env}
}

// try returns what the command printed and how it ended.
func (d *directory) try(name string, arguments ...string) (out, errOut string, err error) {
	command := exec.CommandContext(d.t.Context(), name, arguments...)
	command.Dir = d.dir
	command.Env = append(os.Environ(), d.env...)
	var stdout, stderr strings.Builder
	command.Stdout, command.Stderr = &stdout, &stderr
	err = command.Run()
	return stdout.String(), stderr.String(), err
}

// run returns what a command printed that must succeed.
func (d *directory) run(name string, arguments ...string) string {
	d.t.Helper()
	out, errOut, err := d.try(name, arguments...)
	require.NoError(d.t, err, "%s %v: %s", name, arguments, errOut)
	return out
}

func (d *directory) write(name, text string) {
	d.t.Helper()
	require.NoError(d.t, os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o600))
}

func (d *directory) read(name string) string {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join(d.dir, name))
	require.NoError(d.t, err)
	return string(text)
}

// copyRepository returns a new repository with one commit, which has the files that
// are in the tree now.
func copyRepository(t *testing.T) *directory {
	t.Helper()
	here := &directory{t: t, dir: ".."}
	for _, name := range []string{"git", "bash"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("missing: %s", name)
		}
	}
	listed, _, err := here.try("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		t.Skipf("this is no clone of the repository: %v", err)
	}
	there := &directory{t: t, dir: t.TempDir(), env: []string{
		"GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
	}}
	for name := range strings.SplitSeq(strings.TrimSuffix(listed, "\x00"), "\x00") {
		info, err := os.Stat(filepath.Join("..", name))
		if err != nil || !info.Mode().IsRegular() {
			continue // deleted since, or a clone within this one
		}
		text, err := os.ReadFile(filepath.Join("..", name))
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(there.dir, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(there.dir, name), text, info.Mode().Perm()))
	}
	there.run("git", "init", "-q", "-b", "main")
	there.run("git", "add", "--all")
	there.run("git", "commit", "-q", "-m", "all")
	return there
}

// proxy returns the URL of a module proxy that has the released modules: the go
// command itself makes them of the tags, as it does from the repository's host.
func (d *directory) proxy(modules map[string]string) string {
	d.t.Helper()
	cache := &directory{t: d.t, dir: d.t.TempDir(), env: []string{
		"GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_COUNT=1",
		"GIT_CONFIG_KEY_0=url." + fileURL(d.dir) + ".insteadOf", "GIT_CONFIG_VALUE_0=https://" + module,
		"GOPROXY=direct", "GOSUMDB=off", "GOPRIVATE=", "GOVCS=*:git", "GOWORK=off", "GOFLAGS=-modcacherw",
	}}
	cache.env = append(cache.env, "GOMODCACHE="+cache.dir)
	for path := range modules {
		cache.run("go", "mod", "download", path+"@"+version)
	}
	return fileURL(filepath.Join(cache.dir, "cache", "download"))
}

// newStranger returns an empty directory, where the go command knows of nothing but
// the proxies: ours first, then what this machine has got before, and then its own.
// Strangers share a module cache, which is empty at first.
func newStranger(t *testing.T, proxy, cache string) *directory {
	t.Helper()
	here := &directory{t: t, dir: "."}
	before := filepath.Join(strings.TrimSpace(here.run("go", "env", "GOMODCACHE")), "cache", "download")
	proxies := []string{proxy, fileURL(before), strings.TrimSpace(here.run("go", "env", "GOPROXY"))}
	stranger := &directory{t: t, dir: t.TempDir()}
	stranger.env = []string{
		"GOPROXY=" + strings.Join(proxies, ","), "GOSUMDB=off", "GOPRIVATE=", "GOWORK=off",
		"GOFLAGS=-modcacherw -trimpath", // so that the build cache has what was built before
		"GOMODCACHE=" + cache, "GOBIN=" + filepath.Join(stranger.dir, "bin"),
	}
	return stranger
}

func fileURL(path string) string {
	path = filepath.ToSlash(path)
	if runtime.GOOS == "windows" {
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}
