package site

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
)

// browsers are the programs that will do, in the order in which they are
// looked for.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// stayingBrowser is the browser that tests without flags share, once the first of them
// has started it. TestMain stops it.
var stayingBrowser struct {
	once sync.Once
	ctx  context.Context
	err  error
	stop context.CancelFunc
}

// startBrowser returns a headless browser: one that all tests share, or with flags one
// of the test's own. Where no browser is installed, the test is skipped or, with
// MOORING_REQUIRE_BROWSER=1, fails.
func startBrowser(t *testing.T, flags ...chromedp.ExecAllocatorOption) context.Context {
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
	var browser context.Context
	var err error
	if len(flags) == 0 {
		stayingBrowser.once.Do(func() {
			stayingBrowser.ctx, stayingBrowser.stop, stayingBrowser.err = runBrowser(context.Background(), program) //nolint:fatcontext // one browser for all tests
		})
		browser, err = stayingBrowser.ctx, stayingBrowser.err
	} else {
		var stop context.CancelFunc
		browser, stop, err = runBrowser(t.Context(), program, flags...)
		t.Cleanup(stop)
	}
	require.NoError(t, err, "starting %s", program)
	ctx, stop := context.WithTimeout(browser, 5*time.Minute)
	t.Cleanup(stop)
	return ctx
}

// runBrowser starts the program with a profile of its own, which is removed when the
// browser stops.
func runBrowser(ctx context.Context, program string, flags ...chromedp.ExecAllocatorOption) (context.Context, context.CancelFunc, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
	)
	options = append(options, flags...)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // which root cannot have
	}
	ctx, stopProgram := chromedp.NewExecAllocator(ctx, options...)
	ctx, stopBrowser := chromedp.NewContext(ctx)
	stop := func() {
		stopBrowser()
		stopProgram()
	}
	return ctx, stop, chromedp.Do(ctx)
}

// serveLocally runs the server as the program does, over HTTP on localhost, and
// returns its address.
func serveLocally(t *testing.T, args ...string) string {
	t.Helper()
	return serveApp(t, openApp(t, args...))
}

func serveApp(t *testing.T, a *app) string {
	t.Helper()
	listener, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- serve(ctx, listener, a, a.handler()) }()
	t.Cleanup(func() {
		stop()
		assert.NoError(t, <-served)
	})
	scheme := "http"
	if a.certificate != nil {
		scheme = "https"
	}
	return fmt.Sprintf("%s://localhost:%d", scheme, listener.Addr().(*net.TCPAddr).Port)
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

// become has the page think that it is hidden, or that it is seen.
func (w *window) become(hidden bool) {
	w.t.Helper()
	_, err := chromedp.Run(w.ctx, chromedp.Evaluate[bool](fmt.Sprintf(
		`Object.defineProperty(document, "hidden", {value: %t, configurable: true}); document.dispatchEvent(new Event("visibilitychange"))`, hidden)))
	require.NoError(w.t, err)
}

// forget deletes the cookie.
func (w *window) forget(name string) {
	w.t.Helper()
	require.NotNil(w.t, w.cookie(name))
	_, err := chromedp.Run(w.ctx, func(ctx context.Context, target *chromedp.Target) (struct{}, error) {
		return cdp.Call(ctx, target, network.DeleteCookies, network.DeleteCookiesParams{Name: name, URL: w.url + "/"})
	})
	require.NoError(w.t, err)
}

// text returns the text of the element.
func (w *window) text(xpath string) string {
	w.t.Helper()
	text, err := chromedp.Run(w.ctx, chromedp.Text(xpath))
	require.NoError(w.t, err)
	return text
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

// cookie returns the browser's cookie of the name, or nil.
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
	t.Parallel()
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
	t.Parallel()
	w := openWindow(t, startBrowser(t), serveLocally(t))
	w.signIn("ada", ada, yes)
	before := w.cookie(sessionCookie)
	w.moveTo(bindingtest.Munich)
	w.sees("Munich, Germany")
	w.moveTo(bindingtest.Paris)
	w.seesPage("Sign in")
	w.sees("your session was used from another network")
	w.do(chromedp.Navigate(w.url + "/"))
	w.seesPage("Sign in") // with the cookie that the browser may still have
	w.signIn("ada", ada, no)
	assert.NotEqual(t, before.Value, w.cookie(sessionCookie).Value)
	w.sees("A session was ended for your safety")
}

func TestBrowserEndsAnotherSession(t *testing.T) {
	t.Parallel()
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
	phone.sees("You were signed out here from another device.")
}

// The reader's zone and clock, and how long ago; not UTC.
func TestBrowserShowsTimesAsTheReaderHasThem(t *testing.T) {
	t.Parallel()
	w := openWindow(t, startBrowser(t), serveLocally(t))
	_, err := chromedp.Run(w.ctx, func(ctx context.Context, target *chromedp.Target) (struct{}, error) {
		return cdp.Call(ctx, target, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Kathmandu"})
	})
	require.NoError(t, err)
	before := time.Now()
	w.signIn("ada", ada, no)
	kathmandu := time.FixedZone("+05:45", (5*60+45)*60)
	shown := w.text(`//dt[text()="Signed in"]/following-sibling::dd`)
	possible := []string{
		"just now (" + before.In(kathmandu).Format("3:04 PM") + ")", "just now (" + time.Now().In(kathmandu).Format("3:04 PM") + ")",
	}
	assert.Contains(t, possible, strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(shown))
	assert.Contains(t, w.text(`//dt[text()="Ends"]/following-sibling::dd`), "in 12 hours (")
}

// What may be somebody else's doing is no good news in the page either.
func TestBrowserWarnsOfWhatHappensElsewhere(t *testing.T) {
	t.Parallel()
	browser, a := startBrowser(t), openApp(t)
	url := serveApp(t, a)
	laptop, thief := openWindow(t, browser, url), openWindow(t, browser, url)
	laptop.signIn("ada", ada, no)
	thief.signIn("ada", ada, no)
	thief.moveTo(bindingtest.Paris)
	laptop.do(chromedp.WaitVisible(`//div[@id="live"]/p[@class="warning" and contains(., "A session was ended for your safety")]`))
	laptop.do(chromedp.WaitVisible(`//ol[@id="events"]/li[@class="alarming"]`))
}

func TestBrowserHasNoStreamForAPageThatIsNotSeen(t *testing.T) {
	t.Parallel()
	a := openApp(t)
	w := openWindow(t, startBrowser(t), serveApp(t, a))
	w.signIn("ada", ada, no)
	streams := func() int {
		a.events.mu.Lock()
		defer a.events.mu.Unlock()
		return a.events.streams
	}
	assert.Eventually(t, func() bool { return streams() == 1 }, time.Minute, 10*time.Millisecond)
	w.become(true)
	assert.Eventually(t, func() bool { return streams() == 0 }, time.Minute, 10*time.Millisecond)
	require.NoError(t, a.events.Emit(t.Context(), loginstage.Event{ID: "meanwhile", User: "ada", Action: loginstage.ActionDeviceForgotten}))
	w.become(false)
	w.sees("A device is no longer remembered")
	assert.Equal(t, 1, streams())
}

func TestBrowserIsSignedOutByAnotherProcess(t *testing.T) {
	t.Parallel()
	browser, args := startBrowser(t), ownStore(t, "sqlite")
	here, there := start(t, args...), start(t, args...)
	laptop, phone := openWindow(t, browser, here.url), openWindow(t, browser, there.url)
	phone.signIn("ada", ada, yes)
	laptop.signIn("ada", ada, no)
	laptop.press("End session: ")
	laptop.sees("The session was ended.")
	phone.seesPage("Sign in") // without being touched
	phone.sees("You were signed out here from another device.")
	here.end()
	there.end()
}

func TestBrowserSwitchesAccounts(t *testing.T) {
	t.Parallel()
	w := openWindow(t, startBrowser(t), serveLocally(t))
	w.signIn("ada", ada, no)
	w.follow(`//nav//a[text()="Accounts"]`)
	w.press("Add an account")
	w.signIn("grace", grace, no)
	w.follow(`//nav//a[text()="Accounts"]`)
	w.press("Switch to Ada Lovelace")
	w.seesPage("Where you are signed in")
	assert.Equal(t, "Ada Lovelace", w.text(`//header//span`))
	w.follow(`//nav//a[text()="Accounts"]`)
	w.press("Sign out of the account of Ada Lovelace")
	w.seesPage("Accounts in this browser")
	w.press("Switch to Grace Hopper")
	w.seesPage("Where you are signed in")
	assert.Equal(t, "Grace Hopper", w.text(`//header//span`))
	w.follow(`//nav//a[text()="Accounts"]`)
	w.press("Sign out of all accounts")
	w.seesPage("Sign in")
}

func TestBrowserChangesThePasswordAndForgetsADevice(t *testing.T) {
	t.Parallel()
	browser, url := startBrowser(t), serveLocally(t)
	laptop, phone := openWindow(t, browser, url), openWindow(t, browser, url)
	phone.signIn("ada", ada, yes)
	laptop.signIn("ada", ada, no)
	laptop.follow(`//nav//a[text()="Devices"]`)
	laptop.sees("This device")
	laptop.press("Forget device: ")
	laptop.sees("The device is no longer remembered.")
	laptop.follow(`//nav//a[text()="Password"]`)
	laptop.do(chromedp.SendKeys("#password", ada), chromedp.SendKeys("#new", another))
	laptop.press("Change the password")
	laptop.sees("Your password was changed, and all other sessions were ended.")
	phone.seesPage("Sign in") // without being touched
	phone.sees("You were signed out here because your password was changed.")
}
