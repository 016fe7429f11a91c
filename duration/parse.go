package duration

import "math"

// maxInput bounds the digits that have to be looked at, so that the work is bounded.
const maxInput = 1024

// Parse reads a duration such as "hours=1,minutes=2.5"; the package comment has
// the grammar. The sum of the pairs is exact and then rounded to the nearest
// nanosecond, half away from zero. Every error is a [*ParseError].
func Parse(s string) (Duration, error) {
	if len(s) > maxInput {
		return 0, &ParseError{Input: s, Offset: maxInput, Reason: reasonLong}
	}
	var (
		terms [len(units)]term // each unit at most once
		n     int
		seen  [len(units)]bool
		sep   byte
	)
	var key string // of the last pair read
	var start int  // of that key
	for at := 0; ; {
		var value int
		var err error
		if key, start, value, err = scanKey(s, at); err != nil {
			return 0, err
		}
		u := unitOf(key)
		if u < 0 {
			return 0, &ParseError{s, start, key, reasonUnknown}
		}
		if seen[u] {
			return 0, &ParseError{s, start, key, reasonRepeated}
		}
		seen[u] = true

		t := &terms[n]
		t.unit = &units[u]
		n++
		end, reason := t.scan(s, value)
		if reason != "" {
			return 0, &ParseError{s, end, key, reason}
		}
		if end == len(s) {
			break
		}
		if sep == 0 {
			sep = s[end]
		}
		if s[end] != sep {
			return 0, &ParseError{Input: s, Offset: end, Reason: reasonSeparator}
		}
		at = end + 1
	}
	d, ok := sum(terms[:n])
	if !ok {
		if n > 1 {
			key, start = "", 0 // the fault of them all
		}
		return 0, &ParseError{s, start, key, reasonRange}
	}
	return d, nil
}

// scanKey reads the key of the pair that begins at s[at]. It returns the key,
// where it starts, and where the value does, just after the "=".
func scanKey(s string, at int) (key string, start, value int, err error) {
	start = skipSpace(s, at)
	i := start
	for i < len(s) && s[i] != '=' && !isSeparator(s[i]) {
		i++
	}
	stop := i
	for stop > start && isSpace(s[stop-1]) {
		stop--
	}
	key = s[start:stop]
	noEquals := i == len(s) || s[i] != '='
	switch {
	case key == "" && noEquals:
		return "", 0, 0, &ParseError{s, at, "", reasonEmpty}
	case key == "":
		return "", 0, 0, &ParseError{s, start, "", reasonNoKey}
	case noEquals:
		return "", 0, 0, &ParseError{s, start, key, reasonNoEquals}
	}
	return key, start, i + 1, nil
}

// term is one pair: mantissa × 10^exp of its unit.
type term struct {
	unit     *unit
	digits   string // the mantissa as written, without its sign, perhaps with a point
	exp      int64
	mantissa uint64
	long     bool // the mantissa does not fit; only digits has it
	negative bool
}

// scan reads the value that begins at s[i], up to the separator or the end of s,
// and returns where that is; or a reason and where the fault is.
func (t *term) scan(s string, i int) (end int, reason string) {
	i = skipSpace(s, i)
	if i == len(s) || isSeparator(s[i]) {
		return i, reasonNoValue
	}
	if s[i] == '+' || s[i] == '-' {
		t.negative = s[i] == '-'
		i++
	}
	start, count, point := i, 0, -1
	for ; i < len(s); i++ {
		c := s[i]
		if c == '.' && point < 0 {
			point = i
			continue
		}
		if !isDigit(c) {
			break
		}
		count++
		if t.mantissa > (math.MaxUint64-9)/10 {
			t.long = true
			continue
		}
		t.mantissa = t.mantissa*10 + uint64(c-'0')
	}
	if count == 0 {
		return start, reasonValue
	}
	t.digits = s[start:i]
	if i < len(s) && s[i]|0x20 == 'e' {
		if i, reason = t.scanExponent(s, i+1); reason != "" {
			return i, reason
		}
	}
	if point >= 0 {
		t.exp -= int64(start + len(t.digits) - point - 1)
	}
	i = skipSpace(s, i)
	if i < len(s) && !isSeparator(s[i]) {
		return i, reasonValue
	}
	return i, ""
}

// scanExponent reads what follows the "e" at s[i-1].
func (t *term) scanExponent(s string, i int) (end int, reason string) {
	negative := false
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		negative = s[i] == '-'
		i++
	}
	start := i
	for ; i < len(s) && isDigit(s[i]); i++ {
		if t.exp >= 1e17 {
			return start, reasonExponent
		}
		t.exp = t.exp*10 + int64(s[i]-'0')
	}
	if i == start {
		return start, reasonValue
	}
	if negative {
		t.exp = -t.exp
	}
	return i, ""
}

func isDigit(c byte) bool     { return c-'0' <= 9 }
func isSeparator(c byte) bool { return c == ',' || c == ';' }
func isSpace(c byte) bool     { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func skipSpace(s string, i int) int {
	for i < len(s) && isSpace(s[i]) {
		i++
	}
	return i
}
