package loginstagetest

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/mooring-go/mooring/session"
)

// maxCookie is how long a cookie's name and value may be together
// (RFC 6265bis, section 5.6).
const maxCookie = 4096

// jar holds cookies as a browser does. It remembers what was set, and leaves to
// [cookiejar.Jar] what of it is sent where. The zero value is empty.
type jar struct{ kept []setCookie }

// setCookie is a cookie and the address that set it. It has Expires and no
// MaxAge, unless it is to be kept until the browser closes.
type setCookie struct {
	by     *url.URL
	cookie http.Cookie
}

// set keeps the cookie, or deletes the one it replaces.
func (j *jar) set(by *url.URL, cookie *http.Cookie) {
	if !accepted(cookie) {
		return
	}
	c := *cookie
	now := time.Now()
	longest := now.Add(session.MaxCookieAge)
	switch {
	case c.MaxAge < 0:
		c.Expires = now.Add(-time.Second)
	case c.MaxAge > 0 && c.MaxAge < int(session.MaxCookieAge/time.Second):
		c.Expires = now.Add(time.Duration(c.MaxAge) * time.Second)
	case c.MaxAge > 0, c.Expires.After(longest):
		c.Expires = longest
	}
	c.MaxAge, c.RawExpires = 0, ""
	if !strings.HasPrefix(c.Path, "/") {
		c.Path = path.Dir("/" + strings.TrimPrefix(by.Path, "/")) // RFC 6265bis, section 5.1.4
	}
	j.kept = slices.DeleteFunc(j.kept, func(old setCookie) bool {
		return old.cookie.Name == c.Name && old.cookie.Path == c.Path && old.cookie.Domain == c.Domain
	})
	j.kept = append(j.kept, setCookie{by, c})
}

// sentTo returns the cookies that go with a request.
func (j *jar) sentTo(target *url.URL) []*http.Cookie {
	browser, err := cookiejar.New(nil)
	if err != nil {
		return nil // never: it has no options to be wrong
	}
	for _, s := range j.kept {
		browser.SetCookies(s.by, []*http.Cookie{&s.cookie})
	}
	return browser.Cookies(target)
}

// closeWindow forgets the cookies without an end.
func (j *jar) closeWindow() {
	j.kept = slices.DeleteFunc(j.kept, func(s setCookie) bool { return s.cookie.Expires.IsZero() })
}

func (j *jar) clone() jar { return jar{slices.Clone(j.kept)} }

// accepted reports whether a browser takes the cookie from a secure origin
// (RFC 6265bis, section 5.7), as far as the cookie alone decides.
func accepted(c *http.Cookie) bool {
	name := strings.ToLower(c.Name)
	switch {
	case len(c.Name)+len(c.Value) > maxCookie:
		return false
	case strings.HasPrefix(name, "__host-"):
		return c.Secure && c.Path == "/" && c.Domain == ""
	case strings.HasPrefix(name, "__secure-"), c.SameSite == http.SameSiteNoneMode:
		return c.Secure
	default:
		return true
	}
}
