package duration

import (
	"encoding"
	"fmt"
	"time"
)

// Duration is a length of time in nanoseconds, like [time.Duration], whose text
// form is that of this package. It can be used wherever a value is read from
// text: JSON, YAML, environment variables, [flag.TextVar].
//
// The zero value is no time at all, "seconds=0". A Duration is a plain integer:
// compare it with ==, and copy it freely.
type Duration time.Duration

var (
	_ fmt.Stringer             = Duration(0)
	_ encoding.TextMarshaler   = Duration(0)
	_ encoding.TextUnmarshaler = (*Duration)(nil)
)

// MustParse is [Parse] for constants in a program. It panics where Parse returns
// an error, so it is not for input.
func MustParse(s string) Duration {
	d, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return d
}

// Std returns d as a [time.Duration]: the same number of nanoseconds.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// MarshalText returns [Duration.String]; the error is always nil.
func (d Duration) MarshalText() ([]byte, error) { return d.append(nil), nil }

// UnmarshalText sets d to what [Parse] makes of text. On an error, a
// [*ParseError], d is left as it was.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := Parse(string(text))
	if err != nil {
		return err
	}
	*d = v
	return nil
}
