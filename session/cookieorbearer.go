package session

import (
	"errors"
	"net/http"
	"strings"
	"time"
)

// CookieOrBearer is a [Carrier] for a host of browsers and of API clients: browsers
// have the token in a cookie, others in the header Authorization. A request that
// brings both is anonymous: one of them may be planted. The zero value is ready to
// use. It is safe for concurrent use.
//
// A client that is no browser finds its token in the answer's header [DefaultTokenHeader],
// or Bearer.Header, and sends it as [Bearer] says.
//
// No browser is given a token that its scripts can read: a request with Origin, with
// Fetch Metadata (Sec-Fetch-*), with the cookie, or that takes HTML is a browser's,
// and a script can leave none of the former out.
type CookieOrBearer struct {
	Cookie Cookie
	Bearer Bearer
}

// Validate returns every mistake in both.
func (c CookieOrBearer) Validate() error {
	return errors.Join(c.Cookie.Validate(), c.Bearer.Validate())
}

// ValidateLifetime returns [ErrLifetime] if browsers would not keep the cookie for
// longest.
func (c CookieOrBearer) ValidateLifetime(longest time.Duration) error {
	return c.Cookie.ValidateLifetime(longest)
}

// Read returns the token from where it is, or none where there are two.
func (c CookieOrBearer) Read(r *http.Request) (Token, error) {
	if !authorizes(r) {
		return c.Cookie.Read(r)
	}
	if c.hasCookie(r) {
		return Token{}, nil
	}
	return c.Bearer.Read(r)
}

// Write gives the token to a browser in the cookie, and to another client in the
// header.
func (c CookieOrBearer) Write(w http.ResponseWriter, r *http.Request, t Token, maxAge time.Duration) error {
	if c.Bears(r) {
		return c.Bearer.Write(w, r, t, maxAge)
	}
	return c.Cookie.Write(w, r, t, maxAge)
}

// Clear takes the token from where Write put it.
func (c CookieOrBearer) Clear(w http.ResponseWriter, r *http.Request) error {
	if c.Bears(r) {
		return c.Bearer.Clear(w, r)
	}
	return c.Cookie.Clear(w, r)
}

// Bears reports whether the client that sent r gets its token by a header, and not in
// a cookie.
func (c CookieOrBearer) Bears(r *http.Request) bool {
	for _, name := range []string{"Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest"} {
		if len(r.Header[name]) > 0 {
			return false
		}
	}
	for _, accepted := range r.Header["Accept"] {
		if strings.Contains(strings.ToLower(accepted), "html") {
			return false
		}
	}
	return !c.hasCookie(r)
}

// CarrierName returns the name of the cookie for a browser, and none for another client.
func (c CookieOrBearer) CarrierName(r *http.Request) string {
	if c.Bears(r) {
		return ""
	}
	return c.Cookie.CarrierName(r)
}

// hasCookie reports whether r has the cookie, once or more often.
func (c CookieOrBearer) hasCookie(r *http.Request) bool {
	return len(r.CookiesNamed(c.Cookie.CookieName())) > 0
}

// authorizes reports whether r has an Authorization header in a scheme for tokens,
// whatever it says, or several of any kind.
func authorizes(r *http.Request) bool {
	scheme, _ := authorization(r)
	return scheme != "" || len(r.Header["Authorization"]) > 1
}
