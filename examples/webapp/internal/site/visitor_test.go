package site

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/examples/webapp/internal/storage"
)

// openApp returns the application as the flags make it, with its sessions in memory
// where they do not say.
func openApp(t *testing.T, args ...string) *app {
	t.Helper()
	s, err := parseSettings(kinds, append([]string{"-store=memory"}, args...), io.Discard)
	require.NoError(t, err)
	logger := slog.New(slog.DiscardHandler)
	locator, err := openLocator(s, logger)
	require.NoError(t, err)
	store, err := storage.Open(t.Context(), kinds, s.store, s.storage)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, store.Close()) })
	a, err := newApp(s, store.Store, locator, logger)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	var hearing sync.WaitGroup
	hearing.Go(func() { a.hear(ctx) }) // as the program does
	t.Cleanup(hearing.Wait)
	t.Cleanup(stop)
	return a
}

// open serves the application as the flags make it.
func open(t *testing.T, args ...string) *httptest.Server {
	t.Helper()
	return serveTLS(t, openApp(t, args...))
}

// serveTLS serves the application.
func serveTLS(t *testing.T, a *app) *httptest.Server {
	t.Helper()
	server := httptest.NewTLSServer(a.handler())
	t.Cleanup(server.Close)
	t.Cleanup(a.events.close)
	return server
}

// visitor is somebody with a browser, who follows redirects.
type visitor struct {
	t      *testing.T
	client *http.Client
	url    string
	cookie map[string]*http.Cookie // as they were set last
}

func newVisitor(t *testing.T, server *httptest.Server) *visitor {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	v := &visitor{t: t, url: server.URL, cookie: map[string]*http.Cookie{}}
	v.client = &http.Client{Jar: jar, Transport: transportOf(server), CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		v.noteCookies(r.Response)
		return nil
	}}
	return v
}

// transportOf returns what trusts the server's certificate.
func transportOf(server *httptest.Server) http.RoundTripper {
	if client := server.Client(); client != nil {
		return client.Transport
	}
	return http.DefaultTransport
}

func (v *visitor) noteCookies(r *http.Response) {
	for _, c := range r.Cookies() {
		v.cookie[c.Name] = c
	}
}

// held returns the cookies that the visitor would send.
func (v *visitor) held() []*http.Cookie { return v.client.Jar.Cookies(v.home()) }

// hold makes the visitor send cookies, whatever was cleared.
func (v *visitor) hold(cookies []*http.Cookie) { v.client.Jar.SetCookies(v.home(), cookies) }

func (v *visitor) home() *url.URL {
	home, err := url.Parse(v.url)
	require.NoError(v.t, err)
	return home
}

// shown is a page that was shown.
type shown struct {
	status int
	path   string
	header http.Header
	html   string
}

func (v *visitor) get(path string) shown {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, v.url+path, nil)
	require.NoError(v.t, err)
	return v.do(r)
}

// post submits a form of names and values.
func (v *visitor) post(path string, namesAndValues ...string) shown {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i < len(namesAndValues); i += 2 {
		form.Set(namesAndValues[i], namesAndValues[i+1])
	}
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.url+path, strings.NewReader(form.Encode()))
	require.NoError(v.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return v.do(r)
}

func (v *visitor) do(r *http.Request) shown {
	v.t.Helper()
	r.Header.Set("Accept", "text/html")
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	response, err := v.client.Do(r)
	require.NoError(v.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(v.t, err)
	v.noteCookies(response)
	return shown{response.StatusCode, response.Request.URL.Path, response.Header, string(body)}
}

// signIn signs the visitor in and answers the prompt.
func (v *visitor) signIn(user, password, stay string) shown {
	v.t.Helper()
	prompt := v.post("/login", "user", user, "password", password)
	require.Contains(v.t, prompt.html, "Stay signed in?")
	home := v.post("/login/answer", "stay", stay)
	require.Equal(v.t, "/", home.path)
	require.Contains(v.t, home.html, "Where you are signed in")
	return home
}

func (v *visitor) moveTo(address netip.Addr) shown {
	v.t.Helper()
	return v.post("/demo/place", "address", address.String(), "next", "/")
}
