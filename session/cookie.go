package session

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strings"
	"time"

	"github.com/mooring-go/mooring/session/internal/setcookie"
)

// DefaultCookieName is the name of a [Cookie] that has none. The prefix makes
// browsers refuse it unless it is Secure, has Path=/ and no Domain, so that
// neither a plain-text connection nor a neighbouring subdomain can plant one
// (RFC 6265bis, section 4.1.3).
const DefaultCookieName = "__Host-mooring"

// Cookie is a [Carrier] that keeps the token in a cookie of its own. The zero
// value is ready to use and the safe choice: __Host-mooring, Secure, HttpOnly,
// Path=/, SameSite=Lax, no Domain. A cookie is always HttpOnly. It is safe for
// concurrent use as long as its fields are not changed.
type Cookie struct {
	Name     string        // empty: DefaultCookieName
	Path     string        // empty: "/"
	Domain   string        // empty: the host that set it, and no other
	SameSite http.SameSite // 0: Lax

	// InsecureHTTP leaves Secure off and the name's default prefix out, so that
	// the cookie works without TLS, and everybody on the way can read it. Use
	// it only where there is no TLS at all, and never outside a test network.
	// Most browsers take Secure cookies from http://localhost as they are.
	InsecureHTTP bool
}

// Validate returns what browsers would refuse about c, joined, each mistake
// naming the field, its value and what is allowed. net/http enforces none of it.
func (c Cookie) Validate() error {
	var mistakes []error
	mistake := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("session: cookie "+format, args...))
	}
	name := c.CookieName()
	// What net/http would leave out, or drop the cookie for.
	if (&http.Cookie{Name: name}).Valid() != nil {
		mistake("Name %.80q: want letters, digits and !#$%%&'*+-.^_`|~", name)
	}
	if !strings.HasPrefix(c.path(), "/") || (&http.Cookie{Name: "a", Path: c.path()}).Valid() != nil {
		mistake("Path %.80q: want a path that starts with /, of printable ASCII without a semicolon", c.Path)
	}
	if (&http.Cookie{Name: "a", Domain: c.Domain}).Valid() != nil {
		mistake("Domain %.80q: want the name of a host or an IP address, or none", c.Domain)
	}
	switch c.SameSite {
	case 0, http.SameSiteDefaultMode, http.SameSiteLaxMode, http.SameSiteStrictMode:
	case http.SameSiteNoneMode:
		if c.InsecureHTTP {
			mistake("SameSite None with InsecureHTTP: browsers refuse it, want Lax, Strict or no InsecureHTTP")
		}
	default:
		mistake("SameSite %d: want Lax, Strict or None", c.SameSite)
	}
	host, secure := hasPrefix(name, "__Host-") || hasPrefix(name, "__Host-Http-"), hasPrefix(name, "__Secure-") || hasPrefix(name, "__Http-")
	if (host || secure) && c.InsecureHTTP {
		mistake("Name %q with InsecureHTTP: browsers refuse the prefix without Secure", name)
	}
	if host && c.Domain != "" {
		mistake("Domain %q with Name %q: the prefix __Host- allows none", c.Domain, name)
	}
	if host && c.path() != "/" {
		mistake("Path %q with Name %q: the prefix __Host- allows only /", c.Path, name)
	}
	return errors.Join(mistakes...)
}

// ValidateLifetime returns [ErrLifetime] if browsers would not keep the cookie
// for longest.
func (c Cookie) ValidateLifetime(longest time.Duration) error {
	if longest > MaxCookieAge {
		return fmt.Errorf("%w: %s, browsers keep a cookie for at most %s", ErrLifetime, longest, MaxCookieAge)
	}
	return nil
}

// Read returns the token in the request's one cookie of the name. Two cookies
// of the name, from whatever path or domain, are no token: one of them may be
// planted, and nothing tells which.
func (c Cookie) Read(r *http.Request) (Token, error) {
	value, _ := c.Value(r)
	token, _ := ParseToken(value) // what is no token is anonymous
	return token, nil
}

// Write sets the cookie.
func (c Cookie) Write(w http.ResponseWriter, _ *http.Request, t Token, maxAge time.Duration) error {
	if err := c.ValidateLifetime(maxAge); err != nil {
		return err
	}
	c.Set(w, t.Secret(), maxAge)
	return nil
}

// Clear deletes the cookie from the browser, with the name, path, domain and
// flags that it was set with.
func (c Cookie) Clear(w http.ResponseWriter, _ *http.Request) error {
	c.Set(w, "", -1)
	return nil
}

// Value returns what the request's one cookie of the name holds, and false if
// there is none or more than one. It is not checked for being a token.
func (c Cookie) Value(r *http.Request) (value string, ok bool) {
	return onlyCookie(r.Header["Cookie"], c.CookieName())
}

// Set makes the response set the cookie, and no other of the name, and makes it
// uncacheable. A maxAge of 0 keeps the cookie until the browser closes, below 0
// deletes it. A part of a second counts as a whole one.
func (c Cookie) Set(w http.ResponseWriter, value string, maxAge time.Duration) {
	cookie := c.cookie(value)
	cookie.MaxAge = setcookie.Seconds(maxAge)
	header := w.Header()
	setcookie.Drop(header, cookie.Name)
	http.SetCookie(w, &cookie)
	header.Set("Cache-Control", "no-store")
}

// Attributes returns what Set says of the cookie besides its value and its lifetime,
// as in "Path=/; HttpOnly; Secure; SameSite=Lax".
func (c Cookie) Attributes() string {
	cookie := c.cookie("v")
	_, attributes, _ := strings.Cut(cookie.String(), "; ")
	return attributes
}

func (c Cookie) cookie(value string) http.Cookie {
	cookie := http.Cookie{
		Name:     c.CookieName(),
		Value:    value,
		Path:     c.path(),
		Domain:   c.Domain,
		Secure:   !c.InsecureHTTP,
		HttpOnly: true,
		SameSite: c.SameSite,
	}
	if c.SameSite == 0 || c.SameSite == http.SameSiteDefaultMode {
		cookie.SameSite = http.SameSiteLaxMode
	}
	return cookie
}

// CookieName returns the name that the cookie has: the default where Name is empty.
func (c Cookie) CookieName() string {
	switch {
	case c.Name != "":
		return c.Name
	case c.InsecureHTTP:
		return strings.TrimPrefix(DefaultCookieName, "__Host-")
	default:
		return DefaultCookieName
	}
}

// CarrierName returns the name that tells the cookie from other carriers: that of the
// cookie, and its path and domain where they are not the default.
func (c Cookie) CarrierName(*http.Request) string {
	name := "cookie " + c.CookieName()
	if c.path() != "/" || c.Domain != "" {
		name += " " + c.Domain + c.path()
	}
	return name
}

func (c Cookie) path() string {
	if c.Path == "" {
		return "/"
	}
	return c.Path
}

// hasPrefix ignores case, as browsers do with cookie name prefixes.
func hasPrefix(name, prefix string) bool {
	return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
}

// onlyCookie returns the value of the cookie of the name, if the Cookie headers
// have exactly one. It finds what [http.Request.CookiesNamed] does, without
// allocating, and counts those that are malformed too.
func onlyCookie(headers []string, name string) (value string, ok bool) {
	for _, header := range headers {
		for header != "" {
			var pair string
			pair, header, _ = strings.Cut(header, ";")
			key, v, _ := strings.Cut(textproto.TrimString(pair), "=")
			if textproto.TrimString(key) != name {
				continue
			}
			if ok {
				return "", false
			}
			value, ok = v, true
		}
	}
	return value, ok
}
