package integration

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage/integration/internal/engine"
)

// patience is how long a browser is waited for.
const patience = time.Minute

// A visitor is a person with a browser.
type visitor struct {
	t       *testing.T
	ctx     context.Context
	browser engine.Browser
}

// open starts a browser, for as long as the test.
func open(t *testing.T, e engine.Engine, settings engine.Settings) *visitor {
	t.Helper()
	engine.Require(t, e, os.Getenv("MOORING_REQUIRE_BROWSER") == "1")
	if settings.Profile == "" {
		settings.Profile = t.TempDir()
	}
	browser, err := e.Start(t.Context(), settings)
	require.NoError(t, err)
	v := &visitor{t, t.Context(), browser}
	t.Cleanup(func() { _ = v.browser.Close() }) // it may have been closed
	return v
}

// A tab is one that a person looks at.
type tab struct {
	engine.Tab
	t    *testing.T
	site *site
}

func (v *visitor) open(s *site, path string) *tab {
	v.t.Helper()
	ctx, stop := context.WithTimeout(v.ctx, patience)
	defer stop()
	opened, err := v.browser.Open(ctx, s.url+path)
	require.NoError(s.t, err)
	s.t.Cleanup(func() {
		ctx, stop := context.WithTimeout(context.WithoutCancel(s.t.Context()), patience)
		defer stop()
		_ = opened.Go(ctx, "about:blank") // the browser may have been closed
	})
	return &tab{opened, s.t, s}
}

// signIn opens a tab, signs in there, and waits until the session has a key of the
// kind; empty: it waits for nothing.
func (v *visitor) signIn(s *site, kind string) *tab {
	v.t.Helper()
	t := v.open(s, "/login")
	t.signIn(kind)
	return t
}

func (t *tab) signIn(kind string) {
	t.t.Helper()
	for began := time.Now(); ; {
		t.sees("sign in")
		t.run(`document.forms[0].submit()`)
		t.sees("home")
		if kind == "" {
			return
		}
		var got string
		require.Eventually(t.t, func() bool { got = string(t.site.session().Drift.Key.Kind); return got != "" }, patience, 5*time.Millisecond,
			"a key is registered after the sign-in")
		if got == kind {
			break
		}
		// A browser on a busy machine registers by itself after the script has waited for it.
		require.Less(t.t, time.Since(began), patience, "the key is of the kind %q", got)
		t.visit("/login")
		t.site.visits()
	}
	t.eventually(`(await (await fetch("/mooring/page/state")).json()).seconds > 0`) // the browser has got the answer
}

func (t *tab) context() (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.t.Context(), patience)
}

// visit goes to a page of the site.
func (t *tab) visit(path string) {
	t.t.Helper()
	ctx, stop := t.context()
	defer stop()
	require.NoError(t.t, t.Go(ctx, t.site.url+path))
}

// value returns what the expression is, as JSON.
func (t *tab) value(expression string) string {
	t.t.Helper()
	ctx, stop := t.context()
	defer stop()
	value, err := t.Eval(ctx, expression)
	require.NoError(t.t, err, expression)
	return string(value)
}

// run runs a statement after which the page may be another.
func (t *tab) run(statement string) {
	t.t.Helper()
	ctx, stop := t.context()
	defer stop()
	_, err := t.Eval(ctx, `setTimeout(() => {`+statement+`}) && true`)
	require.NoError(t.t, err, statement)
}

// sees waits for the page with the title.
func (t *tab) sees(title string) {
	t.t.Helper()
	ctx, stop := t.context()
	defer stop()
	var last string
	if !assert.Eventually(t.t, func() bool {
		value, err := t.Eval(ctx, `document.readyState === "complete" ? document.title : ""`)
		if err != nil {
			last = err.Error() // between two pages
			return false
		}
		_ = json.Unmarshal(value, &last)
		return last == title
	}, patience, 5*time.Millisecond) {
		t.t.Fatalf("page %q, want %q; visits:\n%v", last, title, t.site.visits())
	}
}

// eventually waits until the expression is true.
func (t *tab) eventually(expression string) {
	t.t.Helper()
	ctx, stop := t.context()
	defer stop()
	require.Eventually(t.t, func() bool {
		value, err := t.Eval(ctx, `(async () => `+expression+`)()`)
		return err == nil && string(value) == "true"
	}, patience, 5*time.Millisecond, expression)
}

func (t *tab) cookies() map[string]string {
	t.t.Helper()
	ctx, stop := t.context()
	defer stop()
	all, err := t.Cookies(ctx)
	require.NoError(t.t, err)
	values := make(map[string]string)
	for _, c := range all {
		values[c.Name] = c.Value
	}
	return values
}

func (t *tab) deleteCookie(name string) {
	t.t.Helper()
	require.Contains(t.t, t.cookies(), name)
	ctx, stop := t.context()
	defer stop()
	require.NoError(t.t, t.DeleteCookie(ctx, name))
}

func (t *tab) setCookies(stolen map[string]string) {
	t.t.Helper()
	ctx, stop := t.context()
	defer stop()
	for name, value := range stolen {
		require.NoError(t.t, t.SetCookie(ctx, engine.Cookie{Name: name, Value: value}))
	}
}
