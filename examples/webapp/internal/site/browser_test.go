package site

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/bindingtest"
)

// browsers are the programs that will do, in the order in which they are
// looked for.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// startBrowser starts a headless browser with a fresh profile. Where there is
// none, the test is skipped or, with MOORING_REQUIRE_BROWSER=1, fails.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	program := ""
	for _, name := range browsers {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		missing := "no browser found: looked for " + strings.Join(browsers, ", ")
		if os.Getenv("MOORING_REQUIRE_BROWSER") == "1" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], // makes a profile of its own, and removes it
		chromedp.ExecPath(program),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // which root cannot have
	}
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	require.NoError(t, chromedp.Do(ctx), "starting %s", program)
	return ctx
}

// serveLocally runs the server as the program does, over HTTP on localhost, and
// returns its address.
func serveLocally(t *testing.T, args ...string) string {
	t.Helper()
	a := openApp(t, args...)
	listener, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- serve(ctx, listener, a, a.handler()) }()
	t.Cleanup(func() {
		stop()
		assert.NoError(t, <-served)
	})
	return fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port)
}

// window is a browser window that shares no cookies with others.
type window struct {
	t   *testing.T
	ctx context.Context
	url string
}

func openWindow(t *testing.T, browser context.Context, url string) *window {
	t.Helper()
	ctx, stop := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(stop)
	w := &window{t, ctx, url}
	w.do(chromedp.Navigate(url + "/"))
	return w
}

func (w *window) do(steps ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	require.NoError(w.t, chromedp.Do(w.ctx, steps...))
}

// follow clicks on what leads to another page, and waits until that is loaded:
// whatever is typed before would go into the page that is being left.
func (w *window) follow(xpath string) {
	w.t.Helper()
	_, err := chromedp.RunResponse(w.ctx, chromedp.Click(xpath))
	require.NoError(w.t, err)
}

// press presses the button with the accessible name.
func (w *window) press(name string) {
	w.t.Helper()
	w.follow(fmt.Sprintf(`//button[normalize-space()=%q and not(@aria-label)] | //button[starts-with(@aria-label, %q)]`, name, name))
}

// seesPage waits for the page with the heading.
func (w *window) seesPage(heading string) {
	w.t.Helper()
	w.do(chromedp.WaitVisible(fmt.Sprintf(`//h1[normalize-space()=%q]`, heading)))
}

// sees waits for an element with the text.
func (w *window) sees(text string) {
	w.t.Helper()
	w.do(chromedp.WaitVisible(fmt.Sprintf(`//main//*[contains(text(), %q)]`, text)))
}

func (w *window) signIn(user, password, answer string) {
	w.t.Helper()
	w.seesPage("Sign in")
	w.do(chromedp.SendKeys("#user", user), chromedp.SendKeys("#password", password))
	w.press("Sign in")
	w.seesPage("Stay signed in?")
	w.press(answer)
	w.seesPage("Where you are signed in")
}

func (w *window) moveTo(address netip.Addr) {
	w.t.Helper()
	w.do(chromedp.SetValue("#demo-address", address.String()))
	w.press("Move there")
}

// cookie is the browser's cookie of the name, or nil.
func (w *window) cookie(name string) *network.Cookie {
	w.t.Helper()
	held, err := chromedp.Run(w.ctx, func(ctx context.Context, target *chromedp.Target) ([]*network.Cookie, error) {
		held, err := cdp.Call(ctx, target, network.GetCookies, network.GetCookiesParams{})
		return held.Cookies, err
	})
	require.NoError(w.t, err)
	for _, c := range held {
		if c.Name == name {
			return c
		}
	}
	return nil
}

const (
	yes = "Yes, stay signed in"
	no  = "No, not here"
)

func TestBrowserKeepsTheCookieForAsLongAsWasChosen(t *testing.T) {
	browser := startBrowser(t)
	url := serveLocally(t)
	for answer, want := range map[string]time.Duration{no: 12 * time.Hour, yes: (12 + 14*24) * time.Hour} {
		w := openWindow(t, browser, url)
		w.signIn("ada", ada, answer)
		cookie := w.cookie(sessionCookie)
		require.NotNil(t, cookie, "the browser takes the cookie from http://localhost")
		assert.True(t, cookie.Secure && cookie.HTTPOnly && cookie.Path == "/")
		assert.Equal(t, network.CookieSameSiteLax, cookie.SameSite)
		assert.WithinDuration(t, time.Now().Add(want), time.Unix(int64(cookie.Expires), 0), time.Minute, answer)
	}

	w := openWindow(t, browser, serveLocally(t, "-session-duration=seconds=0"))
	w.signIn("ada", ada, no)
	assert.True(t, w.cookie(sessionCookie).Session, "the cookie ends with the browser")
}

func TestBrowserMovesUntilTheBindingBreaks(t *testing.T) {
	w := openWindow(t, startBrowser(t), serveLocally(t))
	w.signIn("ada", ada, yes)
	w.moveTo(bindingtest.Munich)
	w.sees("Munich, Germany")
	w.moveTo(bindingtest.Paris)
	w.seesPage("Sign in")
	w.sees("it was used from another network")
	assert.Nil(t, w.cookie(sessionCookie))
	w.signIn("ada", ada, no)
	w.sees("A session ended: Session binding broken")
}

func TestBrowserEndsAnotherSession(t *testing.T) {
	browser, url := startBrowser(t), serveLocally(t)
	laptop, phone := openWindow(t, browser, url), openWindow(t, browser, url)
	laptop.signIn("ada", ada, no)
	phone.moveTo(bindingtest.Paris)
	phone.signIn("ada", ada, yes)
	laptop.sees("Just now: Signed in on a new device.") // shown without loading the page again

	laptop.follow(`//main//a[text()="Show the sessions as they are now"]`)
	laptop.press("End session: ")
	laptop.sees("The session was ended.")
	phone.seesPage("Sign in") // without being touched
	phone.sees("Your last session was ended from another one.")
}

func TestBrowserIsSignedOutByAnotherProcess(t *testing.T) {
	browser, args := startBrowser(t), ownStore(t, "sqlite")
	here, there := start(t, args...), start(t, args...)
	laptop, phone := openWindow(t, browser, here.url), openWindow(t, browser, there.url)
	phone.signIn("ada", ada, yes)
	laptop.signIn("ada", ada, no)
	laptop.press("End session: ")
	laptop.sees("The session was ended.")
	phone.seesPage("Sign in") // without being touched
	phone.sees("Your last session was ended from another one.")
	here.end()
	there.end()
}
