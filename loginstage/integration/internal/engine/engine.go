// Package engine drives the browsers that people use, for tests: Chromium by the
// DevTools protocol, Firefox by WebDriver BiDi, and WebKit by W3C WebDriver.
package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// An Engine can start browsers of one kind.
type Engine interface {
	// Name is what tests are named after: "chromium".
	Name() string

	// Missing names the program that is not installed; empty: none is missing.
	Missing() string

	// Start starts a browser. Its processes end with ctx, or with Browser.Close.
	Start(ctx context.Context, settings Settings) (Browser, error)
}

// All returns the engines.
func All() []Engine { return []Engine{Chromium{}, Firefox{}, WebKit{}} }

// Settings say how a browser is started.
type Settings struct {
	Profile string // a directory that lasts longer than the browser; WebKit has none
	SPKI    string // of the certificate to trust: base64 of the SHA-256 of its public key
	Private bool   // a private window
	DBSC    bool   // device-bound session credentials, where the engine has them

	NoPageCache bool // Chromium alone: no back/forward cache, so that the HTTP cache is asked
}

// A Browser is a running browser. It is safe for concurrent use.
type Browser interface {
	// Open opens a tab that shows a page, once it is loaded.
	Open(ctx context.Context, url string) (Tab, error)

	// Close ends the browser as its user would, so that its profile is written.
	Close() error
}

// A Tab shows one page at a time. It is for one goroutine.
type Tab interface {
	// Go navigates as if the user had typed the address.
	Go(ctx context.Context, url string) error

	// Eval evaluates a JavaScript expression, and awaits it if it is a promise. It
	// returns the value as JSON.
	Eval(ctx context.Context, expression string) (json.RawMessage, error)

	// Cookies are those that the page's site has set, even those that scripts do not see.
	Cookies(ctx context.Context) ([]Cookie, error)

	// SetCookie sets a cookie of the page's host.
	SetCookie(ctx context.Context, cookie Cookie) error

	// DeleteCookie deletes the cookie of the page's host with the name.
	DeleteCookie(ctx context.Context, name string) error
}

// A Cookie is what a thief takes. All are Secure, HttpOnly, SameSite=Lax, Path=/.
type Cookie struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Require skips the test where the engine is not installed or, where browsers are
// required, has it fail.
func Require(t testing.TB, e Engine, required bool) {
	t.Helper()
	missing := e.Missing()
	switch {
	case missing == "":
	case required:
		t.Fatalf("%s is not installed", missing)
	default:
		t.Skipf("%s is not installed", missing)
	}
}

// A scriptError is what a page's expression threw.
type scriptError struct{ text string }

func (e *scriptError) Error() string { return "engine: the script failed: " + e.text }

// poll calls try until it says that it is done, or until ctx is.
func poll(ctx context.Context, what string, try func() (done bool, err error)) error {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		done, err := try()
		if done {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("engine: waiting for %s: %w (last: %w)", what, context.Cause(ctx), err)
		case <-ticker.C:
		}
	}
}
