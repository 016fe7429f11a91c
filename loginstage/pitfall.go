package loginstage

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/mooring-go/mooring/session"
)

// pitfalls are mistakes of a host's that look as if signing in did not work. Each
// is logged once. The zero value has logged none.
type pitfalls struct{ plainHTTP, challenge, duplicates atomic.Bool }

// warnOfPlainHTTP looks at a request that is about to be given a cookie, for one
// that the browser will refuse.
func (p *pitfalls) warnOfPlainHTTP(l *UserLogin, r *http.Request) {
	cookie, ok := cookieOf(l.config.Carrier)
	if !ok || cookie.InsecureHTTP || !overPlainHTTP(r) || p.plainHTTP.Swap(true) {
		return
	}
	l.config.Logger.WarnContext(r.Context(), "loginstage: a sign-in over plain HTTP: browsers refuse the session's Secure cookie unless the host is localhost, and the next request is anonymous; "+
		"serve HTTPS, have the proxy send X-Forwarded-Proto, or set Cookie.InsecureHTTP in a test network", "host", clip(r.Host, maxName), "cookie", cookie.CookieName())
}

// warnOfChallenge looks at a request that is denied since nobody is signed in.
func (p *pitfalls) warnOfChallenge(l *UserLogin, r *http.Request) {
	if p.challenge.Load() || l.config.StaySignedInOffset == 0 {
		return
	}
	if _, waiting := l.pendingCookie().Value(r); waiting && !p.challenge.Swap(true) {
		l.config.Logger.WarnContext(r.Context(), "loginstage: a user who has yet to answer the challenge was denied: "+
			"where Begin returns a challenge, show it and call Finish with the answer; the user is signed in after that")
	}
}

// warnOfDuplicates looks at a request without a token.
func (p *pitfalls) warnOfDuplicates(l *UserLogin, r *http.Request) {
	if p.duplicates.Load() || len(r.Header["Cookie"]) == 0 {
		return
	}
	cookie, ok := cookieOf(l.config.Carrier)
	if ok && isDuplicate(r, cookie.CookieName()) && !p.duplicates.Swap(true) {
		l.config.Logger.WarnContext(r.Context(), "loginstage: a request has several cookies of one name, of which none can be trusted, and is anonymous: "+
			"the cookie's Domain or Path has changed, or another host of the domain sets it; the next sign-in deletes those that it can, and a new Name makes sure", "cookie", cookie.CookieName())
	}
}

// isDuplicate reports whether r has several cookies of the name.
func isDuplicate(r *http.Request, name string) bool {
	mentions := 0
	for _, header := range r.Header["Cookie"] {
		mentions += strings.Count(header, name+"=")
	}
	return mentions > 1 && len(r.CookiesNamed(name)) > 1
}

// overPlainHTTP reports whether the browser has sent r without TLS to a host that
// is not its own machine, as far as it can be told. A browser's Origin says so. A
// request through a proxy that does not say how it came counts as encrypted.
func overPlainHTTP(r *http.Request) bool {
	if r.TLS != nil || isLocalhost(r.Host) {
		return false
	}
	if origin, err := url.Parse(r.Header.Get("Origin")); err == nil && strings.EqualFold(origin.Host, r.Host) {
		return origin.Scheme == "http"
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

const (
	maxStaleDomains = 3
	maxStalePaths   = 3
)

// deleteDuplicateTokens is deleteDuplicates for the carrier's cookie, if that is a
// cookie.
func (l *UserLogin) deleteDuplicateTokens(w http.ResponseWriter, r *http.Request) {
	if cookie, ok := cookieOf(l.config.Carrier); ok {
		l.deleteDuplicates(w, r, cookie)
	}
}

// deleteDuplicates deletes, where r has several cookies of the name, those that
// the host may have set with another Domain or Path, so that the one that the
// response sets is the only one.
func (l *UserLogin) deleteDuplicates(w http.ResponseWriter, r *http.Request, cookie session.Cookie) {
	name := cookie.CookieName()
	if strings.HasPrefix(name, "__Host-") || !isDuplicate(r, name) { // of those a browser has one
		return
	}
	header := w.Header()
	set := header["Set-Cookie"]
	var lines []string
	path, _, _ := strings.Cut(clientURI(l.config.PathPrefix, r), "?")
	for _, domain := range domainsOf(r.Host) {
		for _, path := range pathsOf(path) {
			stale := http.Cookie{Name: name, Domain: domain, Path: path, MaxAge: -1, Secure: !cookie.InsecureHTTP, HttpOnly: true}
			if stale.Valid() == nil {
				lines = append(lines, stale.String())
			}
		}
	}
	// What comes last counts, for browsers that take two of these for one.
	header["Set-Cookie"] = append(lines, set...)
}

// domainsOf returns no domain, the host, and those above it but for the last.
func domainsOf(host string) []string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	domains := []string{""}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return domains
	}
	for strings.Contains(host, ".") && len(domains) <= maxStaleDomains {
		domains = append(domains, host)
		_, host, _ = strings.Cut(host, ".")
	}
	return domains
}

// pathsOf returns "/" and those above the path.
func pathsOf(path string) []string {
	paths := []string{"/"}
	for i := 1; i < len(path) && len(paths) <= maxStalePaths; i++ {
		if path[i] == '/' {
			paths = append(paths, path[:i])
		}
	}
	if len(path) > 1 && len(paths) <= maxStalePaths && path[len(path)-1] != '/' {
		paths = append(paths, path)
	}
	return paths
}
