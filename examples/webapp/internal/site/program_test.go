package site

import (
	"bufio"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/mooring-go/mooring/examples/webapp/internal/databases"
	"github.com/mooring-go/mooring/examples/webapp/internal/storage"
)

// kinds are the stores that the tests run with.
var kinds = append(databases.All, storage.Memory)

// TestMain lets the test's own binary stand in for the program, also under load,
// and makes the tests quick.
func TestMain(m *testing.M) {
	passwordCost = bcrypt.MinCost
	switch {
	case os.Getenv("RUN_WEBAPP") != "":
		Main(kinds...)
	case os.Getenv("LOAD_WEBAPP") != "":
		if err := runUnderLoad(os.Getenv("LOAD_WEBAPP")); err != nil {
			fmt.Fprintln(os.Stderr, "webapp:", err)
			os.Exit(1)
		}
	default:
		code := m.Run()
		if stayingBrowser.stop != nil {
			stayingBrowser.stop()
		}
		os.Exit(code)
	}
}

// A program is one that runs in a process of its own, as users start it.
type program struct {
	t       *testing.T
	url     string
	command *exec.Cmd
	over    chan struct{} // closed when it prints nothing more

	mu      sync.Mutex
	printed strings.Builder
}

// start starts the program over HTTP on a free port, and waits until it says
// where it listens.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{t: t, over: make(chan struct{})}
	p.command = exec.Command(os.Args[0], append([]string{"-addr=localhost:0", "-insecure-http"}, args...)...)
	p.command.Env = append(os.Environ(), "RUN_WEBAPP=1")
	p.command.Stderr = os.Stderr
	output, err := p.command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.command.Start())
	t.Cleanup(func() { _ = p.command.Process.Kill() })

	lines := bufio.NewScanner(output)
	require.True(t, lines.Scan())
	p.url = regexp.MustCompile(`http://localhost:\d+`).FindString(lines.Text())
	require.NotEmpty(t, p.url, lines.Text())
	go func() {
		defer close(p.over)
		for lines.Scan() {
			p.mu.Lock()
			p.printed.WriteString(lines.Text() + "\n")
			p.mu.Unlock()
		}
	}()
	return p
}

// prints returns how often the program has printed the text.
func (p *program) prints(text string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Count(p.printed.String(), text)
}

// end ends the program as Ctrl-C does, and returns what it printed.
func (p *program) end() string {
	p.t.Helper()
	require.NoError(p.t, p.command.Process.Signal(os.Interrupt))
	<-p.over
	assert.NoError(p.t, p.command.Wait())
	return p.printed.String()
}

// visitor returns somebody with a browser. Go's cookie jar takes no Secure cookie
// from localhost, as browsers do; hence -insecure-http.
func (p *program) visitor() *visitor { return newVisitor(p.t, &httptest.Server{URL: p.url}) }

func TestTheProgramFromItsStartToItsEnd(t *testing.T) {
	t.Parallel()
	for _, store := range [][]string{{"-store=memory"}, {"-store=sqlite", "-dsn=" + filepath.Join(t.TempDir(), "s.db")}} {
		program := start(t, store...)
		v := program.visitor()
		v.signIn("ada", ada, "yes")
		// A stream that is open does not hold up the end.
		next := v.stream("")
		assert.Equal(t, "Signed in on a new device", next().title(t))
		printed := program.end()
		assert.Contains(t, printed, ada, "the accounts are printed")
		assert.Contains(t, printed, "Sessions are kept in ")
		assert.Contains(t, printed, "action=login", "events are logged")
	}
}
