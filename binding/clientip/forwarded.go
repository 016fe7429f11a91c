package clientip

import "strings"

// The header Forwarded, RFC 7239, section 4:
//
//	Forwarded         = 1#forwarded-element
//	forwarded-element = [ forwarded-pair ] *( ";" [ forwarded-pair ] )
//	forwarded-pair    = token "=" value
//	value             = token / quoted-string
//
// It is split from the right, because only its right end was written by a proxy
// that is trusted. A quote that a client left open on the left then swallows
// nothing of what proxies appended to it.

// priorForwarded takes the last element off a header's value, and returns what
// its for parameter says: "" where it has none, or is malformed. More reports
// whether rest holds another.
func priorForwarded(value string) (entry, rest string, more bool) {
	element, rest, more := cutLast(value, ',')
	pairs, count := element, 0
	for morePairs := true; morePairs; {
		var pair string
		pair, pairs, morePairs = cutLast(pairs, ';')
		if pair = trimSpace(pair); pair == "" {
			continue
		}
		name, value, ok := readPair(pair)
		if !ok {
			return "", rest, more
		}
		if strings.EqualFold(name, "for") {
			entry = value
			count++
		}
	}
	if count != 1 {
		return "", rest, more
	}
	return entry, rest, more
}

// cutLast cuts s around its last separator outside of quotes. Without one, last
// is all of s.
func cutLast(s string, separator byte) (last, before string, found bool) {
	quoted := false
	for i := len(s) - 1; i >= 0; i-- {
		switch {
		case s[i] == '"' && !(quoted && isEscaped(s, i)):
			quoted = !quoted
		case s[i] == separator && !quoted:
			return s[i+1:], s[:i], true
		}
	}
	return s, "", false
}

// isEscaped reports whether an odd number of backslashes stands before s[i].
func isEscaped(s string, i int) bool {
	before := strings.TrimRight(s[:i], `\`)
	return (i-len(before))%2 == 1
}

// readPair reads name=value, with value unquoted.
func readPair(pair string) (name, value string, ok bool) {
	name, value, found := strings.Cut(pair, "=")
	if !found || !isToken(name) {
		return "", "", false
	}
	if strings.HasPrefix(value, `"`) {
		value, ok = unquote(value)
		return name, value, ok
	}
	return name, value, isUnquoted(value)
}

// isUnquoted reports whether s is a token, or an address with a port or in
// brackets that should have been quoted and was not.
func isUnquoted(s string) bool {
	for i := range len(s) {
		if !isTokenByte(s[i]) && strings.IndexByte(":[]", s[i]) < 0 {
			return false
		}
	}
	return s != ""
}

// unquote reads what begins with a quote as a quoted-string: RFC 9110, section
// 5.6.4.
func unquote(quoted string) (string, bool) {
	inside, ok := strings.CutSuffix(quoted[1:], `"`)
	if !ok {
		return "", false
	}
	if !strings.ContainsAny(inside, `"\`) {
		return inside, true
	}
	var text strings.Builder
	for i := 0; i < len(inside); i++ {
		switch inside[i] {
		case '"':
			return "", false
		case '\\':
			if i++; i == len(inside) {
				return "", false // the closing quote was escaped
			}
		}
		text.WriteByte(inside[i])
	}
	return text.String(), true
}
