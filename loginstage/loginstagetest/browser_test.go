package loginstagetest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

// echo answers with what is of interest in the request.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	for _, line := range r.URL.Query()["set"] {
		w.Header().Add("Set-Cookie", line)
	}
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "text/plain")
	for _, part := range []string{r.Method, r.RequestURI, r.RemoteAddr, r.Host, r.Header.Get("Accept"), r.Header.Get("Content-Type"), string(body), r.Header.Get("Cookie")} {
		_, _ = io.WriteString(w, part+"\n")
	}
})

func TestBrowserSends(t *testing.T) {
	browser := loginstagetest.NewBrowser(t, echo)
	const page = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	assert.Equal(t, "GET\n/a?b=c\n192.0.2.1:50000\napp.example.com\n"+page+"\n\n\n\n", browser.Get("/a?b=c").Text)

	browser.MoveTo(bindingtest.ParisIPv6)
	assert.Equal(t, "POST\n/f\n[2001:db8:2::1]:50000\napp.example.com\n"+page+"\napplication/x-www-form-urlencoded\na=1+2\n\n",
		browser.PostForm("/f", map[string][]string{"a": {"1 2"}}).Text)

	browser.MoveTo(netip.Addr{})
	assert.Equal(t, "PUT\n/api\n@\napp.example.com\napplication/json\napplication/json\n{\"a\":1}\n\n",
		browser.Call(http.MethodPut, "/api", map[string]int{"a": 1}).Text)
	assert.Equal(t, "DELETE\n/api\n@\napp.example.com\napplication/json\n\n\n\n", browser.Call(http.MethodDelete, "/api", nil).Text)

	r := httptest.NewRequest(http.MethodHead, "/h", nil)
	r.AddCookie(&http.Cookie{Name: "own", Value: "1"})
	browser.SetCookie(&http.Cookie{Name: "kept", Value: "2"})
	assert.Equal(t, "HEAD\n/h\n@\napp.example.com\n\n\n\nown=1; kept=2\n", browser.Do(r).Text)
	assert.Equal(t, []string{"own=1"}, r.Header["Cookie"], "the caller's request stays as it is")
}

// What a request says of itself is what browsers say.
func TestBrowserSaysWhereARequestComesFrom(t *testing.T) {
	var got []string
	browser := loginstagetest.NewBrowser(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := r.Header
		got = []string{header.Get("Sec-Fetch-Site"), header.Get("Sec-Fetch-Mode"), header.Get("Sec-Fetch-Dest"), header.Get("Referer"), header.Get("Origin")}
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/there?x=1", http.StatusFound)
		}
	}))
	const app = "https://app.example.com"
	browser.Get("/a?b=c")
	assert.Equal(t, []string{"none", "navigate", "document", "", ""}, got)
	browser.PostForm("/form", nil)
	assert.Equal(t, []string{"same-origin", "navigate", "document", app + "/a?b=c", app}, got)
	browser.Call("GET", "/api", nil)
	assert.Equal(t, []string{"same-origin", "cors", "empty", app + "/a?b=c", ""}, got)
	browser.FollowRedirects = true
	browser.Get("/moved")
	browser.Clone().Call("POST", "/api", nil)
	assert.Equal(t, []string{"same-origin", "cors", "empty", app + "/there?x=1", app}, got)
	browser.Do(httptest.NewRequest("GET", "/", nil))
	assert.Equal(t, make([]string, 5), got, "nothing is said of another's request")
}

func TestBrowserKeepsCookies(t *testing.T) {
	for _, test := range []struct {
		name, from, set, askedFor string
		kept, keptAfterClosing    bool
	}{
		{"until it is closed", "/", "a=1", "/x", true, false},
		{"for a time", "/", "a=1; Max-Age=60", "/", true, true},
		{"until a time", "/", "a=1; Expires=Fri, 01 Jan 2100 00:00:00 GMT", "/", true, true},
		{"deleted at once", "/", "a=1; Max-Age=0", "/", false, false},
		{"past", "/", "a=1; Expires=Fri, 01 Jan 1999 00:00:00 GMT", "/", false, false},
		{"Secure, on https", "/", "a=1; Secure", "/", true, false},
		{"another path", "/", "a=1; Path=/b", "/", false, false},
		{"the path", "/", "a=1; Path=/b", "/b/c", true, false},
		{"the path by default", "/b/c", "a=1", "/b/d", true, false},
		{"no path by default", "/b/c", "a=1", "/", false, false},
		{"the domain", "/", "a=1; Domain=example.com", "/", true, false},
		{"another domain", "/", "a=1; Domain=example.net", "/", false, false},
		{"__Host-", "/", "__Host-a=1; Secure; Path=/", "/", true, false},
		{"__Host- without Secure", "/", "__Host-a=1; Path=/", "/", false, false},
		{"__Host- without Path", "/", "__Host-a=1; Secure", "/", false, false},
		{"__Host- with Domain", "/", "__Host-a=1; Secure; Path=/; Domain=app.example.com", "/", false, false},
		{"__host- in another case", "/", "__host-a=1; Path=/", "/", false, false},
		{"__Secure- without Secure", "/", "__Secure-a=1", "/", false, false},
		{"SameSite=None without Secure", "/", "a=1; SameSite=None", "/", false, false},
		{"SameSite=None", "/", "a=1; SameSite=None; Secure", "/", true, false},
		{"too large", "/", "a=" + strings.Repeat("1", 4096), "/", false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			name, value, _ := strings.Cut(strings.Split(test.set, ";")[0], "=")
			browser := loginstagetest.NewBrowser(t, echo)
			r := httptest.NewRequest(http.MethodGet, test.from, nil)
			q := r.URL.Query()
			q.Set("set", test.set)
			r.URL.RawQuery = q.Encode()
			browser.Do(r)
			sent := name + "=" + value
			assert.Equal(t, test.kept, strings.Contains(browser.Get(test.askedFor).Text, sent))
			browser.CloseWindow()
			assert.Equal(t, test.keptAfterClosing, strings.Contains(browser.Get(test.askedFor).Text, sent))
		})
	}
}

func TestBrowserForgetsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		browser := loginstagetest.NewBrowser(t, echo)
		browser.SetCookie(&http.Cookie{Name: "a", Value: "1", MaxAge: 60})
		browser.SetCookie(&http.Cookie{Name: "b", Value: "1", MaxAge: 1 << 40})
		browser.SetCookie(&http.Cookie{Name: "c", Value: "1", Expires: time.Now().AddDate(9, 0, 0)})
		time.Sleep(59 * time.Second)
		assert.Equal(t, "1", browser.Cookie("a"))
		time.Sleep(time.Second)
		assert.Empty(t, browser.Cookie("a"))
		assert.Equal(t, "1", browser.Cookie("b"))
		time.Sleep(400 * 24 * time.Hour)
		assert.Empty(t, browser.Cookie("b"), "no cookie is kept for more than 400 days")
		assert.Empty(t, browser.Cookie("c"), "no cookie is kept for more than 400 days")
	})
}

func TestBrowserReplacesCookies(t *testing.T) {
	browser := loginstagetest.NewBrowser(t, echo)
	browser.SetCookie(&http.Cookie{Name: "a", Value: "1", Path: "/", MaxAge: 60})
	browser.Get("/deep/er?set=a%3D2%3B+Path%3D/")
	assert.Equal(t, "2", browser.Cookie("a"))
	browser.CloseWindow()
	assert.Empty(t, browser.Cookie("a"), "the one before does not come back")
}

func TestCloneGoesItsOwnWay(t *testing.T) {
	browser := loginstagetest.NewBrowser(t, echo)
	browser.SetCookie(&http.Cookie{Name: "a", Value: "1"})
	thief := browser.Clone()
	thief.MoveTo(bindingtest.Tokyo)
	browser.SetCookie(&http.Cookie{Name: "a", Value: "2"})
	assert.Equal(t, "1", thief.Cookie("a"))
	assert.Contains(t, browser.Get("/").Text, bindingtest.Berlin.String())
	assert.Contains(t, thief.Get("/").Text, bindingtest.Tokyo.String())
}

func TestBrowserFollowsRedirects(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/there", echo)
	mux.Handle("/moved", http.RedirectHandler("/there?x=1", http.StatusSeeOther))
	mux.Handle("/away", http.RedirectHandler("https://example.net/there", http.StatusFound))
	mux.Handle("/kept", http.RedirectHandler("/there", http.StatusTemporaryRedirect))
	browser := loginstagetest.NewBrowser(t, mux)
	assert.Equal(t, http.StatusSeeOther, browser.Get("/moved").StatusCode, "not unless it is told to")

	browser.FollowRedirects = true
	assert.True(t, strings.HasPrefix(browser.PostForm("/moved", nil).Text, "GET\n/there?x=1\n"))
	assert.Equal(t, http.StatusFound, browser.Get("/away").StatusCode, "not to another origin")
	assert.Equal(t, http.StatusTemporaryRedirect, browser.Get("/kept").StatusCode, "not where the method must stay")
}

func TestResponseDecodes(t *testing.T) {
	browser := loginstagetest.NewBrowser(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.URL.Query().Get("body"))
	}))
	var into struct{ A int }
	require.NoError(t, browser.Get("/?body=%7B%22a%22:1%7D").Decode(&into))
	require.Equal(t, 1, into.A)
	require.ErrorContains(t, browser.Get("/").Decode(&into), "body of a response")
}
