package loginstage

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A word is shown though nobody has named it. These are its limits; tokens have digits,
// mixed case or more letters.
const (
	maxWord    = 16 // letters
	maxWords   = 3
	maxNumber  = 4 // digits
	maxRun     = 20
	maxPureRun = 32
)

// familiar are segments of ordinary paths that do not look like words.
var familiar = []string{"", "*", ".well-known", "2fa", "u2f", "oauth2", "saml2"}

// announcing are words after which the rest of a path is often a secret, in the singular.
// stems do so in any word that has one, such as "magiclink".
var (
	announcing = []string{
		"code", "otp", "totp", "mfa", "2fa", "u2f", "pin", "backup", "unsubscribe", "share", "shared", "link", "key", "ticket", "state", "nonce",
	}
	stems = []string{
		"reset", "recover", "verif", "confirm", "activat", "magic", "invit", "token", "secret", "passw", "passcode", "unlock",
	}
)

// route is what the handler's pattern says of a path.
type route struct {
	literals []string // segments that the pattern spells out
	values   []string // of its wildcards of one segment
}

// routeOf returns what the pattern that r was routed by says of its path, and the
// zero route where it was not routed yet. Wildcards are written as a ServeMux has
// them, {name} and {name...}, or as other routers do, :name and *name.
func routeOf(r *http.Request) route {
	_, path, _ := strings.Cut(r.Pattern, "/") // after the method and the host
	if path == "" {
		return route{}
	}
	var known route
	for segment := range strings.SplitSeq(path, "/") {
		name, wildcard := strings.CutPrefix(segment, "{")
		name, _, _ = strings.Cut(strings.TrimSuffix(name, "}"), ":")
		if colon, ok := strings.CutPrefix(segment, ":"); ok {
			name, wildcard = colon, true
		}
		switch {
		case strings.HasPrefix(segment, "*"): // of any number of segments
		case !wildcard:
			known.literals = append(known.literals, segment)
		case name != "$" && !strings.HasSuffix(name, "..."):
			known.values = append(known.values, r.PathValue(name))
		}
	}
	return known
}

// redactPath returns the path, which is escaped, with Redacted for each segment
// that may be a secret. It is ASCII, and takes maxPath bytes of JSON at the most.
func redactPath(escaped string, known route) string {
	var path strings.Builder
	segments := strings.Split(head(escaped, maxScanned), "/")
	if len(escaped) > maxScanned {
		segments = segments[:len(segments)-1] // the last one may be cut
	}
	announced := false
	for i, segment := range segments {
		text := Redacted
		switch {
		case segment != "" && slices.Contains(known.values, segment):
		case segment != "" && slices.Contains(known.literals, segment) && printableASCII(segment):
			text = segment
		case segment == "", !announced && (plain(segment) || number(segment) || slices.Contains(familiar, segment)):
			text = segment
		}
		announced = announced || announces(segment)
		if path.Len()+len("/")+len(text) > maxPath {
			break
		}
		if i > 0 {
			path.WriteByte('/')
		}
		path.WriteString(text)
	}
	return path.String()
}

// announces reports whether a segment, which is escaped, has a word after which secrets
// follow, also where a capital begins it: "resetPassword".
func announces(segment string) bool {
	if unescaped, err := url.PathUnescape(segment); err == nil {
		segment = unescaped
	}
	lower := strings.ToLower(segment)
	for _, stem := range stems {
		if strings.Contains(lower, stem) {
			return true
		}
	}
	var words strings.Builder
	for _, c := range segment {
		if c >= 'A' && c <= 'Z' {
			words.WriteByte('-')
		}
		words.WriteRune(c)
	}
	for word := range strings.FieldsFuncSeq(lower+"-"+strings.ToLower(words.String()), separates) {
		if slices.Contains(announcing, strings.TrimSuffix(word, "s")) {
			return true
		}
	}
	return false
}

func separates(c rune) bool { return c == '-' || c == '_' || c == '.' }

// plain reports whether s is one to three words of ASCII letters, which only a
// first letter may be a capital of, such as "settings", "sign-in" or "Index.html".
func plain(s string) bool {
	letters, words := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z' && letters == 0:
			if letters == 0 {
				words++
			}
			letters++
		case separates(rune(c)) && letters > 0:
			letters = 0
		default:
			return false
		}
		if letters > maxWord || words > maxWords {
			return false
		}
	}
	return letters > 0
}

// number reports whether s is a short number, or one of a version, such as "v2".
func number(s string) bool {
	if version, ok := strings.CutPrefix(s, "v"); ok && len(version) <= 2 {
		s = version
	}
	return s != "" && len(s) <= maxNumber && strings.Trim(s, "0123456789") == ""
}

// printableASCII reports whether s is ASCII that JSON has as it is.
func printableASCII(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune(`"\<>&`, c) })
}

// redactValue returns the value of an argument that the host shows. Of a path it
// returns what redactPath leaves, without the query and the fragment. An address of
// another origin, JSON, and what was escaped twice are redacted: what is in them
// was not named by the host.
func redactValue(value string) string {
	if strings.Contains(value, "/") {
		path, _, more := cutAny(value, "?#")
		if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
			return Redacted
		}
		path = head(redactPath(path, route{}), maxArgValue)
		if more {
			path += "?" + Redacted
		}
		return path
	}
	if strings.ContainsAny(value, "%{}[]\"<>=&?#;\\") {
		return Redacted
	}
	return clip(value, maxArgValue)
}

// cutAny returns what is before and after the first of the characters in s.
func cutAny(s, chars string) (before, after string, found bool) {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// redactMethod returns the method, if it is one by its form.
func redactMethod(method string) string {
	if len(method) > maxMethod || strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" {
		return Redacted
	}
	return strings.Clone(method)
}

// redactUserAgent returns the user agent without runs of letters, digits, "-" and
// "_" that are as long as tokens, and no browser's.
func redactUserAgent(agent string) string {
	if len(agent) <= maxScanned && isPlainASCII(agent) && longestRun(agent) < min(maxRun, maxPureRun) {
		return clipEncoded(strings.Clone(agent), maxUserAgent)
	}
	var shown strings.Builder
	rest := clip(agent, maxScanned)
	if len(agent) > maxScanned {
		rest = strings.TrimRightFunc(rest, ofToken) // the last run may be cut
	}
	for rest != "" && shown.Len() <= maxUserAgent {
		n := strings.IndexFunc(rest, func(c rune) bool { return !ofToken(c) })
		if n < 0 {
			n = len(rest)
		}
		if run := rest[:n]; n >= maxPureRun || (n >= maxRun && strings.ContainsAny(run, "0123456789")) {
			shown.WriteString(Redacted)
		} else {
			shown.WriteString(run)
		}
		rest = rest[n:]
		n = strings.IndexFunc(rest, ofToken)
		if n < 0 {
			n = len(rest)
		}
		shown.WriteString(rest[:n])
		rest = rest[n:]
	}
	return clipEncoded(shown.String(), maxUserAgent)
}

// longestRun returns the length of the longest run of letters, digits, "-" and "_" in the
// user agent, in bytes.
func longestRun(agent string) (longest int) {
	run := 0
	for _, c := range []byte(agent) {
		if run++; !ofToken(rune(c)) {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}

func ofToken(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}
