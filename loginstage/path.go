package loginstage

import (
	"net/http"
	"net/url"
	"strings"
)

// maxNext is how long a page to return to may be, in bytes; a longer one is
// left out.
const maxNext = 2048

// Next returns the page that the user wanted before they were sent to sign in: the
// request's parameter next, from the query or the form, if that is a path on
// the same origin, and "/" otherwise. It is safe to redirect to.
func Next(r *http.Request) string {
	if next := r.FormValue("next"); samePath(next) {
		return next
	}
	return "/"
}

// samePath reports whether a browser takes s for a path on the same origin. It does not
// take //host and /\host for one, and it drops tabs and line ends before it looks
// (WHATWG URL, section 4.4).
func samePath(s string) bool {
	if len(s) > maxNext || !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || strings.ContainsRune(s, '\\') {
		return false
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c == 0x7f {
			return false
		}
	}
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "" && u.Host == ""
}

// withNext returns page with the parameter next: the page that r asks for, as the
// client knows it, with the prefix that a proxy has removed.
func withNext(page, prefix string, r *http.Request) string {
	target, err := url.Parse(page)
	if err != nil {
		return page // New has found that it parses
	}
	wanted := wantedPage(prefix, r)
	if path, _, _ := strings.Cut(wanted, "?"); path == target.Path || !samePath(wanted) {
		return target.String()
	}
	query := "next=" + url.QueryEscape(wanted)
	if target.RawQuery != "" {
		query = target.RawQuery + "&" + query
	}
	target.RawQuery = query
	return target.String()
}

// wantedPage returns the page that r asks for. A form that was posted cannot be asked
// for again: for that it returns the page of this origin that the form was on, or "".
func wantedPage(prefix string, r *http.Request) string {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		from, err := url.Parse(r.Referer())
		if err != nil || from.Host == "" || !strings.EqualFold(from.Host, r.Host) || (from.Scheme != "https" && from.Scheme != "http") {
			return ""
		}
		return from.RequestURI()
	}
	return clientURI(prefix, r)
}

// clientURI returns the path and the query of r as the client knows them: with the
// prefix that a proxy has removed, and with what http.StripPrefix has. It returns ""
// for an address that only a prefix would make a path of this origin.
func clientURI(prefix string, r *http.Request) string {
	uri := r.RequestURI
	if !strings.HasPrefix(uri, "/") {
		uri = r.URL.RequestURI()
	}
	if prefix != "" && !samePath(uri) {
		return ""
	}
	return prefix + uri
}
