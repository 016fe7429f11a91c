package loginstage

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// clip returns the first n bytes of s at the most, as a copy that is safe to store
// and to show: valid UTF-8, without control and bidirectional characters. A copy,
// since s is mostly a slice of a request that may be a megabyte long.
func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	if isPlainASCII(s) { // as nearly all is
		return strings.Clone(s)
	}
	return strings.Clone(strings.Map(shown, strings.ToValidUTF8(s, "")))
}

// isPlainASCII reports whether s is ASCII without control characters.
func isPlainASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// shown returns r, or -1 for a character that reorders, ends or corrupts the text
// around it: PostgreSQL refuses NUL, terminals obey escapes, and bidirectional
// controls make a log line read as another one (CVE-2021-42574).
func shown(r rune) rune {
	if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
		return -1
	}
	return r
}

// clipEncoded returns the longest start of s, clipped, that takes at most n bytes in
// JSON, without the quotes.
func clipEncoded(s string, n int) string {
	s = clip(s, n)
	for i, r := range s {
		if n -= encodedRune(r); n < 0 {
			return s[:i]
		}
	}
	return s
}

// encodedLen returns how many bytes a clipped s takes in JSON, with its quotes.
func encodedLen(s string) int {
	n := len(`""`)
	for _, r := range s {
		n += encodedRune(r)
	}
	return n
}

// encodedRune returns how many bytes encoding/json writes for a clipped r.
func encodedRune(r rune) int {
	switch r {
	case '<', '>', '&':
		return len(`\u003c`)
	case '"', '\\':
		return len(`\"`)
	default:
		return utf8.RuneLen(r)
	}
}
