package site

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

const (
	ada   = "correct horse battery"
	grace = "staple the moth here"
	alan  = "universal machine"
)

const sessionCookie = "__Host-mooring"

func TestTheAnswerToThePromptDecidesHowLongTheCookieLives(t *testing.T) {
	const hour = 60 * 60
	server := open(t)
	for answer, want := range map[string]int{"no": 12 * hour, "yes": (12 + 14*24) * hour, "": 12 * hour} {
		v := newVisitor(t, server)
		v.signIn("ada", ada, answer)
		assert.Equal(t, want, v.cookie[sessionCookie].MaxAge, "answer %q", answer)
	}
}

func TestWithoutAnOffsetNobodyIsAsked(t *testing.T) {
	v := newVisitor(t, open(t, "-stay-signed-in-offset=seconds=0", "-session-duration=seconds=0"))
	home := v.post("/login", "user", "ada", "password", ada)
	assert.Equal(t, "/", home.path)
	assert.Contains(t, home.html, "or when you close the browser")
	assert.Zero(t, v.cookie[sessionCookie].MaxAge, "the cookie ends with the browser")
}

func TestNobodyFindsOutWhoHasAnAccount(t *testing.T) {
	server := open(t)
	attempt := func(user, password string) shown {
		page := newVisitor(t, server).post("/login", "user", user, "password", password)
		page.html = strings.ReplaceAll(page.html, user, "NAME")
		page.header = nil
		return page
	}
	wrong := attempt("grace", "not her password")
	assert.Equal(t, http.StatusUnprocessableEntity, wrong.status)
	assert.Contains(t, wrong.html, "The name or the password is wrong.")
	assert.Equal(t, wrong, attempt("nobody", "not her password"), "a name that nobody has")
	assert.Equal(t, wrong, attempt("alan", "not her password"), "an account that is not active")
	assert.Equal(t, wrong, attempt("grace", strings.Repeat(grace, 10)), "a password too long for bcrypt")
}

func TestAnInactiveAccountIsNotSignedIn(t *testing.T) {
	v := newVisitor(t, open(t))
	page := v.post("/login", "user", "alan", "password", alan)
	assert.Equal(t, http.StatusForbidden, page.status)
	assert.Contains(t, page.html, "not active")
	assert.NotContains(t, v.cookie, sessionCookie)
}

func TestThePromptIsAnsweredOnce(t *testing.T) {
	server := open(t)
	v := newVisitor(t, server)
	v.signIn("ada", ada, "no")
	again := v.post("/login/answer", "stay", "yes")
	assert.Equal(t, "/", again.path, "pressing the button twice does no harm")
	assert.Equal(t, 12*60*60, v.cookie[sessionCookie].MaxAge)

	stranger := newVisitor(t, server).post("/login/answer", "stay", "yes")
	assert.Equal(t, http.StatusConflict, stranger.status)
	assert.Contains(t, stranger.html, "Please sign in again.")
}

func TestAMoveThatTheBindingAllowsKeepsTheSession(t *testing.T) {
	v := newVisitor(t, open(t))
	v.signIn("ada", ada, "no")
	home := v.moveTo(bindingtest.Munich)
	assert.Equal(t, "/", home.path)
	assert.Contains(t, home.html, "Munich")
	assert.Contains(t, home.html, "Berlin, Germany</dd>", "where the user signed in")
}

func TestAMoveThatBreaksTheBindingEndsTheSessionAndSaysWhy(t *testing.T) {
	v := newVisitor(t, open(t))
	v.signIn("ada", ada, "yes")
	page := v.moveTo(bindingtest.Paris)
	assert.Equal(t, "/login", page.path)
	assert.Contains(t, page.html, "your session was used from another network")
	assert.NotContains(t, page.html, "Berlin, Germany", "a client with the cookie is told nothing about the user")
	assert.Equal(t, "/login", v.get("/").path)

	home := v.signIn("ada", ada, "no")
	assert.Contains(t, home.html, "A session was ended for your safety")
	assert.Contains(t, home.html, "It was used from another network: Paris, France, on the network of Seine Net (198.51.100.1).")
	for _, jargon := range []string{"binding", "network.asn", "AS64500"} {
		assert.NotContains(t, home.html, jargon)
	}
	assert.NotContains(t, v.get("/login").html, "your session was used from", "signing in again settles it")
}

func TestEveryReasonIsInWords(t *testing.T) {
	for _, test := range []struct {
		flags []string
		to    netip.Addr
		want  string
	}{
		{[]string{"-network-binding=bind_asn_network"}, bindingtest.BerlinOtherPrefix, "another network"},
		{[]string{"-network-binding=bind_asn_network_ip"}, bindingtest.BerlinNeighbour, "another address"},
		{[]string{"-network-binding=no_binding"}, bindingtest.NewYork, "another continent"},
		{[]string{"-network-binding=no_binding"}, bindingtest.Paris, "another country"},
		{[]string{"-network-binding=no_binding", "-geoip-binding=bind_continent_country_city"}, bindingtest.Munich, "another city"},
		{nil, bindingtest.Unlocated, "an unknown place"},
		{[]string{"-network-binding=no_binding"}, bindingtest.NetworkOnly, "an unknown place"},
	} {
		v := newVisitor(t, open(t, test.flags...))
		v.signIn("ada", ada, "no")
		assert.Contains(t, v.moveTo(test.to).html, test.want, "%v, to %s", test.flags, test.to)
	}
}

var sessionID = regexp.MustCompile(`name="session" value="([^"]+)"`)

// others returns the IDs of the sessions that the page offers to end.
func others(page shown) []string {
	var ids []string
	for _, found := range sessionID.FindAllStringSubmatch(page.html, -1) {
		ids = append(ids, found[1])
	}
	return ids
}

func TestEndingAnotherSession(t *testing.T) {
	server := open(t)
	phone, laptop := newVisitor(t, server), newVisitor(t, server)
	phone.moveTo(bindingtest.Paris)
	phone.signIn("ada", ada, "yes")
	home := laptop.signIn("ada", ada, "no")
	require.Len(t, others(home), 1)
	assert.Contains(t, home.html, `aria-label="End session: Firefox on Linux, Paris, France`)

	home = laptop.post("/sessions/end", "session", others(home)[0])
	assert.Contains(t, home.html, "The session was ended.")
	assert.Empty(t, others(home))
	page := phone.get("/")
	assert.Equal(t, "/login", page.path)
	assert.Contains(t, page.html, "You were signed out here from another device.")
}

func TestNobodyEndsTheSessionOfAnotherUser(t *testing.T) {
	server := open(t)
	first, second, other := newVisitor(t, server), newVisitor(t, server), newVisitor(t, server)
	first.signIn("ada", ada, "no")
	ids := others(second.signIn("ada", ada, "no"))
	other.signIn("grace", grace, "no")
	for _, id := range append(ids, "", "no ID", strings.Repeat("A", 45)) {
		page := other.post("/sessions/end", "session", id)
		assert.Equal(t, http.StatusOK, page.status)
		assert.Contains(t, page.html, "That session had ended already.", "nothing is disclosed")
	}
	assert.Equal(t, "/", first.get("/").path)
	assert.NotContains(t, other.get("/").html, "Ada")
}

func TestEndingAllOtherSessions(t *testing.T) {
	server := open(t)
	first, second, third := newVisitor(t, server), newVisitor(t, server), newVisitor(t, server)
	for _, v := range []*visitor{first, second, third} {
		v.signIn("ada", ada, "no")
	}
	home := second.post("/sessions/end-others")
	assert.Contains(t, home.html, "All other sessions were ended.")
	assert.Equal(t, "/", second.get("/").path)
	assert.Equal(t, "/login", first.get("/").path)
	assert.Equal(t, "/login", third.get("/").path)
	assert.Contains(t, second.post("/sessions/end-others").html, "There was no other session.")
}

func TestANewDeviceStandsOut(t *testing.T) {
	v := newVisitor(t, open(t))
	const note = "First sign-in on this device"
	assert.Contains(t, v.signIn("ada", ada, "no").html, note)
	v.post("/logout")
	assert.NotContains(t, v.signIn("ada", ada, "no").html, note)
	assert.Contains(t, v.post("/devices/forget-all").html, "No device is remembered any more.")
	v.post("/logout")
	assert.Contains(t, v.signIn("ada", ada, "no").html, note)
}

func TestSigningOut(t *testing.T) {
	v := newVisitor(t, open(t))
	v.signIn("ada", ada, "yes")
	page := v.post("/logout")
	assert.Equal(t, "/login", page.path)
	assert.Equal(t, -1, v.cookie[sessionCookie].MaxAge)
	assert.Equal(t, "/login", v.get("/").path)
}

func TestTheUserComesBackToThePageThatWasWanted(t *testing.T) {
	server := open(t)
	for next, want := range map[string]string{
		"/?done=ended":               "/",
		"//elsewhere.example/":       "/",
		"https://elsewhere.example/": "/",
	} {
		v := newVisitor(t, server)
		v.post("/login", "user", "ada", "password", ada, "next", next)
		page := v.post("/login/answer", "stay", "no", "next", next)
		assert.Equal(t, want, page.path, next)
		assert.Equal(t, strings.HasPrefix(next, "/?"), strings.Contains(page.html, "The session was ended."), next)
	}
}

func TestAFormOnAnotherSiteDoesNothing(t *testing.T) {
	server := open(t)
	v := newVisitor(t, server)
	v.signIn("ada", ada, "no")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/sessions/end-others", nil)
	require.NoError(t, err)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	assert.Equal(t, http.StatusForbidden, v.do(r).status)
}

func TestHeadersAndStaticFiles(t *testing.T) {
	v := newVisitor(t, open(t))
	for _, page := range []shown{v.get("/login"), v.signIn("ada", ada, "no")} {
		assert.Contains(t, page.header.Get("Content-Security-Policy"), "default-src 'none'")
		assert.Equal(t, "DENY", page.header.Get("X-Frame-Options"))
		assert.Equal(t, "same-origin", page.header.Get("Referrer-Policy"))
		assert.Equal(t, "no-store", page.header.Get("Cache-Control"))
		assert.NotContains(t, page.html, "<script>")
		assert.NotContains(t, page.html, "style=")
	}
	for _, path := range []string{"/static/style.css", "/static/live.js", "/static/times.js", "/static/expiry.js", "/static/icon.svg", "/session.js"} {
		assert.Equal(t, http.StatusOK, v.get(path).status, path)
	}
	assert.Equal(t, http.StatusNotFound, v.get("/static/").status, "no list of files")
}

// Every page of a user has a sign-out in the same place (OWASP ASVS 5.0, 7.4.4), works
// without a script in it, and says where the reader is.
func TestEveryPageHasASignOut(t *testing.T) {
	v := newVisitor(t, open(t))
	v.signIn("ada", ada, "no")
	titles := map[string]string{}
	for _, path := range []string{"/", "/devices", "/password", "/accounts", "/confirm"} {
		page := v.get(path)
		require.Equal(t, path, page.path)
		header := regexp.MustCompile(`(?s)<header>.*</header>`).FindString(page.html)
		assert.Contains(t, header, `<form method="post" action="/logout">`, path)
		assert.NotContains(t, page.html, "<script>", path)
		assert.NotRegexp(t, `\son\w+=|style=`, page.html, path)
		assert.Equal(t, 1, strings.Count(page.html, "<h1>"), path)
		title := regexp.MustCompile(`<title>(.*)</title>`).FindString(page.html)
		assert.NotContains(t, titles, title, path)
		titles[title] = path
		if path != "/confirm" {
			assert.Contains(t, header, `<a href="`+path+`" aria-current="page">`)
		}
		for _, input := range regexp.MustCompile(`<input id="([^"]+)"`).FindAllStringSubmatch(page.html, -1) {
			assert.Contains(t, page.html, `<label for="`+input[1]+`">`, path)
		}
	}
}

func TestWhoIsSignedInIsNeverGuessed(t *testing.T) {
	s, err := parseSettings(kinds, nil, io.Discard)
	require.NoError(t, err)
	logger := slog.New(slog.DiscardHandler)
	locator, err := openLocator(s, logger)
	require.NoError(t, err)
	store := loginstagetest.NewStore(nil)
	a, err := newApp(s, store, locator, logger)
	require.NoError(t, err)
	server := httptest.NewTLSServer(a.handler())
	defer server.Close()

	v := newVisitor(t, server)
	v.signIn("ada", ada, "no")
	store.Fail(errors.New("no store today"))
	page := v.get("/")
	assert.Equal(t, http.StatusServiceUnavailable, page.status)
	assert.Contains(t, page.html, "You are still as signed in as you were.")
	page = newVisitor(t, server).post("/login", "user", "ada", "password", ada)
	assert.Equal(t, http.StatusServiceUnavailable, page.status)
	assert.Contains(t, page.html, "Try again in a moment")
	store.Repair()
	assert.Equal(t, "/", v.get("/").path, "the cookie is still good")
}

// A warning looks like one, and good news does not.
func TestWarningsAreNoGoodNews(t *testing.T) {
	const warning, note = `<p class="warning" role="status" id="ending">`, `<p class="note" role="status">`
	v := newVisitor(t, open(t))
	v.signIn("ada", ada, "no")
	assert.Contains(t, v.moveTo(bindingtest.Paris).html, warning+"For your safety you were signed out")
	assert.Contains(t, v.signIn("ada", ada, "no").html, `class="alarming"`)

	assert.Contains(t, v.post("/sessions/end-others").html, note+"There was no other session.")
	elsewhere := newVisitor(t, open(t, "-terminate-other-sessions"))
	elsewhere.signIn("ada", ada, "no")
	here := newVisitor(t, &httptest.Server{URL: elsewhere.url})
	here.client.Transport = elsewhere.client.Transport
	here.signIn("ada", ada, "no")
	assert.Contains(t, elsewhere.get("/").html, warning+"You were signed out here because somebody signed in")
}

// The server knows no zone of the reader: the page has each time in UTC, in a form
// that its script reads.
func TestTimesCanBeReadByTheScript(t *testing.T) {
	v := newVisitor(t, open(t))
	v.get("/login")
	prompt := v.post("/login", "user", "ada", "password", ada)
	for _, page := range []string{prompt.html, v.post("/login/answer", "stay", "no").html} {
		assert.Contains(t, page, `<script src="/static/times.js" defer></script>`)
		times := regexp.MustCompile(`<time datetime="([^"]*)">([^<]*)</time>`).FindAllStringSubmatch(page, -1)
		require.NotEmpty(t, times)
		for _, one := range times {
			at, err := time.Parse(time.RFC3339, one[1])
			require.NoError(t, err)
			assert.Equal(t, at.Format("2 Jan 2006, 15:04 UTC"), one[2])
		}
	}
}

func TestWithRealDatabasesNobodyPretendsUnlessAskedFor(t *testing.T) {
	asn, city := bindingtest.WriteFiles(t)
	bound := newVisitor(t, open(t, "-asn="+asn, "-city="+city))
	assert.NotContains(t, bound.get("/login").html, "Demo only")
	assert.Equal(t, http.StatusNotFound, bound.moveTo(bindingtest.Paris).status)

	demo := newVisitor(t, open(t, "-asn="+asn, "-city="+city, "-demo"))
	assert.Contains(t, demo.get("/login").html, `<input id="demo-address" name="address" value="192.0.2.1"`)
	assert.Equal(t, http.StatusUnprocessableEntity, demo.post("/demo/place", "address", "next door").status)
	demo.moveTo(bindingtest.NewYork)
	assert.Contains(t, demo.signIn("ada", ada, "no").html, "New York")
}
