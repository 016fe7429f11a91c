package loginstage

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/mooring-go/mooring/session"
)

// A browser can have two cookies of one name, one of them from a former configuration
// with another Domain or Path. It sends both, which is no token, so the user cannot
// sign in until one of them is deleted.

// warnOfDuplicates warns of a request that has no token because it has two.
func (p *pitfalls) warnOfDuplicates(l *UserLogin, r *http.Request) {
	if p.duplicates.Load() || len(r.Header["Cookie"]) == 0 {
		return
	}
	cookie, ok := cookieOf(l.config.Carrier)
	if ok && isDuplicate(r, cookie.CookieName()) && !p.duplicates.Swap(true) {
		l.config.Logger.WarnContext(r.Context(), "loginstage: a request has several cookies of one name, and is anonymous, since nothing tells which is the host's: "+
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
