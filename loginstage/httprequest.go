package loginstage

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Redacted stands in an event for the value of an argument whose name looks
// secret.
const Redacted = "********"

// How much of a request an event carries, in bytes and in arguments.
const (
	maxUserAgent = 512
	maxPath      = 1024
	maxQuery     = 8192
	maxArgs      = 32
	maxArgName   = 64
	maxArgValue  = 256
)

// Request is the HTTP request that an event came of, bounded in size, with
// secrets redacted. It has no body and no header but the user agent.
type Request struct {
	Args      map[string]string `json:"args"` // of the query; the last value of each
	Path      string            `json:"path"`
	Method    string            `json:"method"`
	UserAgent string            `json:"user_agent"`
}

// requestOf is what an event says of r.
func requestOf(r *http.Request) *Request {
	return &Request{
		Args:      argsOf(r.URL.RawQuery),
		Path:      clip(r.URL.Path, maxPath),
		Method:    clip(r.Method, maxArgName),
		UserAgent: clip(r.UserAgent(), maxUserAgent),
	}
}

func argsOf(rawQuery string) map[string]string {
	query, _ := url.ParseQuery(clip(rawQuery, maxQuery)) // what does not parse is left out
	args := make(map[string]string, min(len(query), maxArgs))
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if len(args) == maxArgs {
			break
		}
		values := query[name]
		args[clip(name, maxArgName)] = redact(name, values[len(values)-1])
	}
	return args
}

// redact returns value, unless name looks secret, or value is itself an address
// with an argument that does, such as a page to return to.
func redact(name, value string) string {
	if looksSecret(name) || holdsSecret(value) {
		return Redacted
	}
	return clip(value, maxArgValue)
}

// holdsSecret reports whether value is an address with an argument whose name
// looks secret, in its query or its fragment, or in that of an address within it.
func holdsSecret(value string) bool {
	start := strings.IndexAny(value, "?#")
	if start < 0 {
		return false
	}
	for pair := range strings.FieldsFuncSeq(value[start+1:], func(c rune) bool { return strings.ContainsRune("?#&;", c) }) {
		key, inner, _ := strings.Cut(pair, "=")
		key, keyErr := url.QueryUnescape(key)
		inner, innerErr := url.QueryUnescape(inner)
		if keyErr != nil || innerErr != nil || looksSecret(key) || holdsSecret(inner) {
			return true
		}
	}
	return false
}

// secretParts are what names of secrets have in them, in lower case.
var secretParts = []string{
	"pass", "pwd", "token", "secret", "code", "key", "auth", "cred", "sig", "session", "cookie", "bearer", "private",
	"otp", "jwt", "saml", "assertion", "ticket", "nonce", "csrf", "hash", "proof",
}

func looksSecret(name string) bool {
	name = strings.ToLower(name)
	return name == "pin" || name == "sid" || name == "pw" || slices.ContainsFunc(secretParts, func(part string) bool {
		return strings.Contains(name, part)
	})
}

// clip returns the first n bytes of s at the most, as valid UTF-8.
func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "")
}
