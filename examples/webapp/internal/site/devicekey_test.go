package site

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
)

// The browser's own key and that of a page do the same for the user.
func TestBrowserProvesItsKey(t *testing.T) {
	for name, test := range map[string]struct {
		features, kept string
	}{
		"dbsc": {"DeviceBoundSessions,EnableBoundSessionCredentialsSoftwareKeysForManualTesting", "Kept by the browser"},
		"page": {"", "Kept in this site"},
	} {
		t.Run(name, func(t *testing.T) {
			a := openApp(t, "-tls")
			browser := startBrowser(t, chromedp.Flag("ignore-certificate-errors-spki-list", spki(a.certificate)), chromedp.Flag("enable-features", test.features))
			w := openWindow(t, browser, serveApp(t, a))
			w.signIn("ada", ada, no)
			w.sees("A session was bound to a key of this device") // shown without loading the page again
			w.moveTo(bindingtest.Paris)
			w.sees("Paris, France")
			w.sees(test.kept)
			w.sees("A device proved its key")

			// A stream is asked for a proof too, once the last one is over.
			w.forget(sessionCookie + "_bound")
			w.become(true)
			w.become(false)
			require.NoError(t, a.events.Emit(t.Context(), loginstage.Event{ID: "meanwhile", User: "ada", Action: loginstage.ActionDeviceForgotten}))
			w.sees("Just now: A device is no longer remembered.")

			w.do(chromedp.SetValue(`//select[@id="thief-address"]`, bindingtest.NewYork.String()))
			w.press("Copy my cookies into a thief's browser")
			assert.Contains(t, w.text(`//p[@id="goes"]`), "Your own session goes on.")
			assert.NotContains(t, w.text(`//p[@id="got"]`), "Your page")
			w.follow(`//main//a[text()="Back to where you are signed in"]`)
			w.sees("Somebody used your session without the key of its device")

			w.do(chromedp.SetValue(`//select[@id="thief-when"]`, "before"))
			w.do(chromedp.SetValue(`//select[@id="thief-address"]`, bindingtest.Paris.String()))
			w.press("Copy my cookies into a thief's browser")
			assert.NotContains(t, w.text(`//p[@id="got"]`), "Your page")
		})
	}
}
