package duration

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// ParseError says what is wrong with a string given to [Parse], where, and what
// is allowed there.
type ParseError struct {
	Input  string // the string, whole
	Offset int    // in bytes from the start of Input: where the fault begins
	Key    string // of the pair at fault, as written; "" if there is none, or the fault is in no single pair
	Reason string // what is wrong, and what is allowed
}

// Error quotes the input, and the key where that is not the whole input, both cut short
// where they are long.
func (e *ParseError) Error() string {
	key := ""
	if e.Key != "" && e.Key != e.Input {
		key = " in " + quote(e.Key)
	}
	return fmt.Sprintf("duration: parse %s: at byte %d%s: %s", quote(e.Input), e.Offset, key, e.Reason)
}

const (
	reasonLong      = "too long; at most 1024 bytes are allowed"
	reasonEmpty     = "empty pair; want key=value"
	reasonNoEquals  = `pair without "="; want key=value, such as hours=12`
	reasonNoKey     = "missing key; " + wantKey
	reasonUnknown   = "unknown key; " + wantKey
	reasonRepeated  = "repeated key; each is allowed once, in any case"
	reasonNoValue   = "missing value; " + wantValue
	reasonValue     = "malformed value; " + wantValue
	reasonExponent  = "exponent too long; at most 18 digits are allowed"
	reasonSeparator = `mixed separators; want only "," or only ";"`
	reasonRange     = "sum out of range; want within ±9223372036.854775807 seconds"

	wantKey   = "want microseconds, milliseconds, seconds, minutes, hours, days or weeks"
	wantValue = "want a decimal number such as 2, -1.5 or 5e3"
)

// quote bounds what an error shows of its input.
func quote(s string) string {
	const most = 80
	if len(s) <= most {
		return strconv.Quote(s)
	}
	cut := most
	for cut > most-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strconv.Quote(s[:cut]) + "…"
}
