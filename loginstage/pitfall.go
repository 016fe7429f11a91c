package loginstage

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
)

// pitfalls are mistakes in a host by which signing in succeeds and the next request
// is anonymous. Each is logged once. The zero value has logged none, and is safe for
// concurrent use.
type pitfalls struct{ plainHTTP, challenge, duplicates atomic.Bool }

// warnOfPlainHTTP warns of a request that is about to get a cookie which the browser
// will refuse.
func (p *pitfalls) warnOfPlainHTTP(l *UserLogin, r *http.Request) {
	cookie, ok := cookieOf(l.config.Carrier)
	if !ok || cookie.InsecureHTTP || !overPlainHTTP(r) || p.plainHTTP.Swap(true) {
		return
	}
	l.config.Logger.WarnContext(r.Context(), "loginstage: a sign-in over plain HTTP: browsers refuse the session's Secure cookie unless the host is localhost, and the next request is anonymous; "+
		"serve HTTPS, have the proxy send X-Forwarded-Proto, or set Cookie.InsecureHTTP in a test network", "host", clip(r.Host, maxName), "cookie", cookie.CookieName())
}

// warnOfChallenge warns of a request that is denied though its user has a challenge to
// answer.
func (p *pitfalls) warnOfChallenge(l *UserLogin, r *http.Request) {
	if p.challenge.Load() || l.config.StaySignedInOffset == 0 {
		return
	}
	if _, waiting := l.pendingCookie().Value(r); waiting && !p.challenge.Swap(true) {
		l.config.Logger.WarnContext(r.Context(), "loginstage: a user who has yet to answer the challenge was denied: "+
			"where Begin returns a challenge, show it and call Finish with the answer; the user is signed in after that")
	}
}

// overPlainHTTP reports whether the browser has sent r without TLS to a host that
// is not its own machine, as far as that can be told. The browser's Origin or
// Referer says so, or the proxy. A request through a proxy that does not say how it
// came counts as encrypted.
func overPlainHTTP(r *http.Request) bool {
	if r.TLS != nil || isLocalhost(r.Host) {
		return false
	}
	for _, name := range []string{"Origin", "Referer"} {
		if page, err := url.Parse(r.Header.Get(name)); err == nil && strings.EqualFold(page.Host, r.Host) {
			return page.Scheme == "http"
		}
	}
	if proto := r.Header.Get("X-Forwarded-Proto"); proto != "" {
		return strings.EqualFold(proto, "http")
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	return true
}

// isLocalhost reports whether browsers treat the host as their own machine, from
// which many take Secure cookies without TLS.
func isLocalhost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return ip.IsLoopback()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
