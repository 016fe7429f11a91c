package integration

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/integration/internal/engine"
)

// After the sign-out the back button shows no page of the user: not from the
// back/forward cache, which keeps whole pages, and not from the HTTP cache. That the
// former shows pages without a setting shows that the test finds them.
func TestBackButton(t *testing.T) {
	noStore := func(c *loginstage.Config) { c.NoStore = true }
	clearing := func(c *loginstage.Config) { c.ClearSiteData = true }
	const pages, http = false, true // which cache it is
	for name, test := range map[string]struct {
		cache       bool
		set         func(*loginstage.Config)
		last, first string // the page with the sign-out, and one before it
	}{
		"pages, without a setting": {pages, func(*loginstage.Config) {}, "home", "plain"},
		"pages, NoStore":           {pages, noStore, "sign in", "sign in"},
		// The page with the sign-out is yet to be kept when the browser deletes.
		"pages, ClearSiteData": {pages, clearing, "home", "sign in"},
		"pages, both":          {pages, func(c *loginstage.Config) { noStore(c); clearing(c) }, "sign in", "sign in"},
		// It heeds that answers vary by cookie, which is another one then.
		"HTTP, without a setting": {http, func(*loginstage.Config) {}, "sign in", "sign in"},
		"HTTP, NoStore":           {http, noStore, "sign in", "sign in"},
		"HTTP, ClearSiteData":     {http, clearing, "sign in", "sign in"},
	} {
		t.Run(name, func(t *testing.T) {
			s := openSite(t, withoutKeys, test.set)
			browser := open(t, engine.Chromium{}, engine.Settings{SPKI: s.spki, NoPageCache: test.cache == http})
			signedOut := func() *tab {
				tab := browser.signIn(s, "")
				tab.visit("/plain")
				tab.visit("/")
				tab.run(`document.getElementById("logout").submit()`)
				tab.sees("sign in")
				s.visits()
				return tab
			}
			tab := signedOut()
			tab.back(1)
			tab.sees(test.last)
			tab = signedOut()
			tab.back(2)
			tab.sees(test.first)
		})
	}
}

// The HTTP cache does show what the guard does not answer: a page beside it.
func TestBackButtonShowsOtherPages(t *testing.T) {
	s := openSite(t, withoutKeys)
	tab := open(t, engine.Chromium{}, engine.Settings{SPKI: s.spki, NoPageCache: true}).open(s, "/elsewhere")
	tab.visit("/login")
	tab.back(1)
	tab.sees("elsewhere")
	visits := s.visits()
	assert.Equal(t, 1, visits.count("GET /elsewhere", http.StatusOK), visits)
}

// A user who is signed in goes back as before.
func TestBackButtonWhileSignedIn(t *testing.T) {
	s := openSite(t, withoutKeys, func(c *loginstage.Config) { c.NoStore, c.ClearSiteData = true, true })
	tab := open(t, engine.Chromium{}, engine.Settings{SPKI: s.spki}).signIn(s, "")
	tab.visit("/plain")
	tab.sees("plain")
	tab.back(1)
	tab.sees("home")
}

// withoutKeys leaves device keys out, whose script can keep a page from being cached.
func withoutKeys(c *loginstage.Config) { c.DeviceKey, c.ProveEvery = loginstage.DeviceKeyOff, 0 }

// back is the browser's button, so many times. It waits until another page is there.
func (t *tab) back(times int) {
	t.t.Helper()
	t.value(`(window.before = true)`)
	t.run(fmt.Sprintf(`history.go(-%d)`, times))
	t.eventually(`window.before === undefined`)
}
