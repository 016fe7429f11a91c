package loginstage

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Redacted stands in an event for what may be a secret, and is not shown.
const Redacted = "********"

// How much of a request an event carries: in bytes of JSON where it says so, which
// add up to less than 2 kB.
const (
	maxUserAgent = 512 // in JSON
	maxPath      = 512 // in JSON
	maxMethod    = 16
	maxArgs      = 32  // arguments
	maxArgsJSON  = 896 // in JSON, of all arguments
	maxArgName   = 64
	maxArgValue  = 256

	// maxScanned is how much of a request's query, path or user agent is looked at.
	maxScanned = 8192
)

// Request is the HTTP request that an event came of. It has no body and no header
// but the user agent. What the client sent is shown where it can hardly be a
// secret, and [Redacted] or left out otherwise:
//
//   - Args has the values of the arguments that [Config.EventArgs] names, and the
//     names of others, with Redacted for their value, if they are words. An argument
//     without a value is left out: its name may be a secret.
//   - Path has the segments that are words or short numbers, up to one that
//     announces a secret, such as "reset" or "invite". Where the request has a
//     [http.Request.Pattern], the segments that it spells out are shown, and the
//     values of its wildcards are not.
//   - UserAgent is without long runs of letters and digits.
//
// Secrets that are written as words cannot be told apart from words: give them a
// wildcard in the pattern of the handler that they lead to.
//
// It is a copy, and takes less than 2 kB of JSON, without control and
// bidirectional characters.
type Request struct {
	Args      map[string]string `json:"args"` // of the query; the last value of each
	Path      string            `json:"path"`
	Method    string            `json:"method"`
	UserAgent string            `json:"user_agent"`
}

// requestOf returns what an event says of r, with the values of the arguments that
// shown names.
func requestOf(r *http.Request, shown []string) *Request {
	return &Request{
		Args:      argsOf(r.URL.RawQuery, shown),
		Path:      redactPath(r.URL.EscapedPath(), routeOf(r)),
		Method:    redactMethod(r.Method),
		UserAgent: redactUserAgent(r.UserAgent()),
	}
}

// argsOf returns what an event says of the query. The arguments that shown names
// come first where there is not enough room for all, and the others by name.
func argsOf(rawQuery string, shown []string) map[string]string {
	if rawQuery == "" {
		return map[string]string{}
	}
	values := make(map[string]string)
	for pair := range strings.SplitSeq(head(rawQuery, maxScanned), "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, nameErr := url.QueryUnescape(name)
		value, valueErr := url.QueryUnescape(value)
		if nameErr != nil || valueErr != nil || strings.Contains(pair, ";") { // as url.ParseQuery has it
			continue
		}
		switch {
		case len(name) <= maxArgName && slices.Contains(shown, name):
			values[clip(name, maxArgName)] = redactValue(value)
		case plain(name) && strings.Trim(value, "=") != "": // and not "c2VjcmV0=="
			values[strings.Clone(name)] = Redacted
		}
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if first := slices.Contains(shown, a); first != slices.Contains(shown, b) {
			if first {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	args, room := make(map[string]string, min(len(names), maxArgs)), maxArgsJSON
	for _, name := range names {
		need := encodedLen(name) + encodedLen(values[name]) + len(":,")
		if len(args) < maxArgs && need <= room {
			args[name] = values[name]
			room -= need
		}
	}
	return args
}

// head returns at most the first n bytes of s.
func head(s string, n int) string { return s[:min(len(s), n)] }
