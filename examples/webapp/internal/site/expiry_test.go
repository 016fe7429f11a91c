package site

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
)

func TestPagesOfASessionSayWhenItEnds(t *testing.T) {
	v := newVisitor(t, open(t))
	assert.NotContains(t, v.get("/login").html, "/session.js", "there is none")
	home := v.signIn("ada", ada, "no")
	assert.Contains(t, home.html, `<script src="/session.js" data-url="/session" data-before="120" defer></script>`)
	assert.Contains(t, home.html, `<p role="alert"></p>`, "what is said there is read to those who do not see it")
	var said loginstage.Expiry
	answer := v.get("/session")
	require.Equal(t, http.StatusOK, answer.status)
	require.NoError(t, json.Unmarshal([]byte(answer.html), &said))
	assert.True(t, said.SignedIn)
	assert.InDelta(t, 12*60*60, said.Seconds, 60)
}

// With a session that ends after 40 seconds without use, of which a use is noted after ten,
// and a warning after eleven. So it has half a minute, however slow the browser is.
func TestBrowserIsWarnedBeforeItsSessionEnds(t *testing.T) {
	t.Parallel()
	a := openApp(t, "-idle-timeout=seconds=40")
	a.warnBefore = 29 * time.Second
	w := openWindow(t, startBrowser(t), serveApp(t, a))
	w.signIn("ada", ada, no)
	w.do(chromedp.WaitVisible(`//aside[@id="expiry"]/p[text()="You will be signed out in less than a minute."]`))
	w.do(chromedp.Click(`//aside[@id="expiry"]/button[text()="Stay signed in"]`))
	w.do(chromedp.WaitNotVisible("#expiry"))
	w.do(chromedp.WaitVisible("#expiry")) // again, of the limit that is the next one
}

func TestBrowserIsSignedOutWhenItIsLeftAlone(t *testing.T) {
	t.Parallel()
	a := openApp(t, "-idle-timeout=seconds=20")
	a.warnBefore = 14 * time.Second
	w := openWindow(t, startBrowser(t), serveApp(t, a))
	w.signIn("ada", ada, no)
	w.seesPage("Sign in")
	w.sees("You were signed out because this browser had not been used for a while.")
}

// At the absolute limit use does not help, and proving again does.
func TestBrowserIsAskedToConfirmBeforeItsTimeIsUp(t *testing.T) {
	t.Parallel()
	a := openApp(t, "-session-duration=minutes=5")
	a.warnBefore = 299 * time.Second
	w := openWindow(t, startBrowser(t), serveApp(t, a))
	w.signIn("ada", ada, no)
	w.do(chromedp.WaitVisible(`//aside[@id="expiry"]/a[text()="Confirm that it is you"]`))
	w.do(chromedp.WaitNotVisible(`#expiry button`))
	w.follow(`//aside[@id="expiry"]/a`)
	w.seesPage("Confirm that it is you")
	w.do(chromedp.SendKeys("#password", ada))
	w.press("Confirm")
	w.seesPage("Where you are signed in")
}
