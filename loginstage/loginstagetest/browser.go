package loginstagetest

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/session/devicekey"
)

// origin is where the handler of a [Browser] is served.
var origin = url.URL{Scheme: "https", Host: "app.example.com"}

// maxRedirects is how many redirects in a row a browser follows.
const maxRedirects = 10

// Browser visits one handler, which it reaches by calling it, as if it were
// served at https://app.example.com. It keeps cookies as a browser does, refuses
// those that a browser refuses, says of its requests what browsers say (Origin,
// Referer, Fetch Metadata), and comes from the address that it was moved to.
// It is safe for concurrent use while nobody sets its fields.
type Browser struct {
	// FollowRedirects makes it go where a response of the same origin sends it,
	// ten times in a row at the most, and return the last response.
	FollowRedirects bool

	// UserAgent is how it names itself.
	UserAgent string

	// DeviceKey is the kind of device key that it can make: devicekey.DBSC of a browser
	// that registers and proves by itself, as Chromium does; devicekey.Page of one whose
	// pages all have the stage's script; devicekey.DPoP of a client of an API, which is
	// no browser, has no cookies and sends its token in a header. Empty: none. The host
	// has to mount UserLogin.DeviceKeys for the first two.
	DeviceKey devicekey.Kind

	t       testing.TB
	handler http.Handler

	mu      sync.Mutex
	ip      netip.Addr
	cookies jar
	shown   string // the address of the page that it shows; "": none yet
	keys    keys

	refreshing sync.Mutex // one at a time
}

// NewBrowser returns a browser in [bindingtest.Berlin], without cookies, that
// visits handler.
func NewBrowser(t testing.TB, handler http.Handler) *Browser {
	return &Browser{UserAgent: "Mozilla/5.0 (test)", t: t, handler: handler, ip: bindingtest.Berlin}
}

// Clone returns a browser at the same address with a copy of all cookies, and of the
// token of an API client, but of no device key: a thief, or the same user restoring a
// backup.
func (b *Browser) Clone() *Browser {
	b.mu.Lock()
	defer b.mu.Unlock()
	return &Browser{
		FollowRedirects: b.FollowRedirects, UserAgent: b.UserAgent, DeviceKey: b.DeviceKey,
		t: b.t, handler: b.handler, ip: b.ip, cookies: b.cookies.clone(), shown: b.shown,
		keys: keys{token: b.keys.token},
	}
}

// CloneWithKeys is Clone with a copy of the device keys: a thief of the whole profile,
// where keys are not in hardware.
func (b *Browser) CloneWithKeys() *Browser {
	clone := b.Clone()
	b.mu.Lock()
	defer b.mu.Unlock()
	clone.keys = b.keys.clone()
	return clone
}

// LoseKeys makes the browser forget its device keys and keep its cookies.
func (b *Browser) LoseKeys() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keys = keys{token: b.keys.token}
}

// MoveTo makes later requests come from ip. The zero address makes them come
// from nowhere, as over a Unix socket.
func (b *Browser) MoveTo(ip netip.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ip = ip
}

// CloseWindow closes the browser: it forgets the cookies that are to be kept
// until then.
func (b *Browser) CloseWindow() {
	b.refreshing.Lock()
	defer b.refreshing.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cookies.closeWindow()
	if b.keys.dbsc != nil {
		b.keys.dbsc.challenge = ""
	}
}

// Cookie returns the value of the cookie that is sent to / under the name, and
// "" where there is none.
func (b *Browser) Cookie(name string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, cookie := range b.cookies.sentTo(origin.JoinPath("/")) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

// SetCookie makes the browser keep a cookie, as a response to a request for /
// would, and refuse it likewise.
func (b *Browser) SetCookie(cookie *http.Cookie) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cookies.set(origin.JoinPath("/"), cookie)
}

// Get asks for a page, as a click on a link does. The path may have a query. Later
// requests come from that page, until another one is shown.
func (b *Browser) Get(path string) Response {
	b.t.Helper()
	return b.Do(b.page(http.MethodGet, path, nil))
}

// PostForm sends a form, as the button in the page does that the browser shows.
func (b *Browser) PostForm(path string, form url.Values) Response {
	b.t.Helper()
	r := b.page(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	b.setOrigin(r)
	return b.Do(r)
}

// Call calls an API, as a script in a page does: it sends body as JSON, unless
// that is nil, and asks for JSON.
func (b *Browser) Call(method, path string, body any) Response {
	b.t.Helper()
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			b.t.Fatalf("loginstagetest: the body of %s %s: %v", method, path, err)
		}
		content = bytes.NewReader(text)
	}
	r := httptest.NewRequestWithContext(b.t.Context(), method, path, content)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Accept", "application/json")
	b.describe(r, "cors", "empty")
	if method != http.MethodGet && method != http.MethodHead {
		b.setOrigin(r)
	}
	return b.Do(r)
}

func (b *Browser) setOrigin(r *http.Request) {
	if b.DeviceKey != devicekey.DPoP {
		r.Header.Set("Origin", origin.String())
	}
}

// Do sends r, as [httptest.NewRequest] makes it, with the browser's cookies,
// name and address. Cookies that r has are sent too. Where the answer asks for a proof
// of the device key it proves, as far as it can, and sends r again.
func (b *Browser) Do(r *http.Request) Response {
	b.t.Helper()
	r = b.repeatable(r)
	for range maxRedirects {
		response := b.exchange(r)
		next := b.redirected(r, response)
		if next == nil {
			b.show(r)
			return response
		}
		r = b.repeatable(next)
	}
	b.t.Fatalf("loginstagetest: more than %d redirects, the last one from %s", maxRedirects, r.URL)
	return Response{}
}

// describe says of a request what browsers say (Fetch Metadata, Referer).
func (b *Browser) describe(r *http.Request, mode, destination string) {
	if b.DeviceKey == devicekey.DPoP {
		return // it is none
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	site := "same-origin"
	if b.shown != "" {
		r.Header.Set("Referer", b.shown)
	} else if mode == "navigate" {
		site = "none" // an address that was typed
	}
	r.Header.Set("Sec-Fetch-Site", site)
	r.Header.Set("Sec-Fetch-Mode", mode)
	r.Header.Set("Sec-Fetch-Dest", destination)
}

// show has later requests come from the page that r has asked for.
func (b *Browser) show(r *http.Request) {
	if r.Method != http.MethodGet || r.Header.Get("Sec-Fetch-Mode") != "navigate" {
		return
	}
	shown := origin.ResolveReference(r.URL)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shown = shown.String()
}

// page is a request for a page.
func (b *Browser) page(method, path string, body io.Reader) *http.Request {
	r := httptest.NewRequestWithContext(b.t.Context(), method, path, body)
	if b.DeviceKey != devicekey.DPoP {
		r.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	}
	b.describe(r, "navigate", "document")
	return r
}

func (b *Browser) send(r *http.Request) Response {
	r = r.Clone(r.Context())
	b.mu.Lock()
	r.Host, r.TLS = origin.Host, &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true}
	if r.RemoteAddr = "@"; b.ip.IsValid() {
		r.RemoteAddr = netip.AddrPortFrom(b.ip, 50000).String()
	}
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", b.UserAgent)
	}
	target := origin.ResolveReference(r.URL)
	if b.DeviceKey == devicekey.DPoP {
		b.keys.authorize(r, target)
	} else {
		for _, cookie := range b.cookies.sentTo(target) {
			r.AddCookie(cookie)
		}
	}
	b.mu.Unlock()

	recorder := httptest.NewRecorder()
	b.handler.ServeHTTP(recorder, r)
	response := Response{Response: recorder.Result(), Text: recorder.Body.String()}

	b.mu.Lock()
	defer b.mu.Unlock()
	for _, cookie := range response.Cookies() {
		b.cookies.set(target, cookie)
	}
	b.keys.receive(response)
	return response
}

// redirected returns the request that the response sends the browser to make, or nil.
func (b *Browser) redirected(r *http.Request, response Response) *http.Request {
	if !b.FollowRedirects {
		return nil
	}
	switch response.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther:
	default:
		return nil
	}
	location, err := origin.ResolveReference(r.URL).Parse(response.Header.Get("Location"))
	if err != nil || location.Scheme != origin.Scheme || location.Host != origin.Host {
		return nil
	}
	return b.page(http.MethodGet, location.RequestURI(), nil)
}
