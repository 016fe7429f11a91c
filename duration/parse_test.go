package duration_test

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/duration"
)

// The reference computes with floating point and gives whole microseconds.
func TestParseReference(t *testing.T) {
	raw, err := os.ReadFile("testdata/reference.json")
	require.NoError(t, err)
	var cases []struct {
		Expr  string `json:"expr"`
		Error bool   `json:"error"`
		US    int64  `json:"us"`
	}
	require.NoError(t, json.Unmarshal(raw, &cases))
	require.NotEmpty(t, cases)
	for _, c := range cases {
		d, err := duration.Parse(c.Expr)
		if c.Error {
			assert.ErrorAs(t, err, new(*duration.ParseError), "%q", c.Expr)
			continue
		}
		if assert.NoError(t, err, "%q", c.Expr) {
			off := d.Std() - time.Duration(c.US)*time.Microsecond
			assert.LessOrEqual(t, off.Abs(), time.Microsecond, "%q is %d ns, want %d µs", c.Expr, d, c.US)
		}
	}
}

func TestParse(t *testing.T) {
	zeros := strings.Repeat("0", 900)
	tests := []struct {
		in   string
		want time.Duration
	}{
		// Every key, any case, spaces, both separators.
		{"microseconds=1", time.Microsecond},
		{"milliseconds=1", time.Millisecond},
		{"seconds=1", time.Second},
		{"minutes=1", time.Minute},
		{"hours=1", time.Hour},
		{"days=1", 24 * time.Hour},
		{"weeks=1", 7 * 24 * time.Hour},
		{"wEEks=1,DAYS=-7", 0},
		{" hours = 1 ", time.Hour},
		{"\thours\t=\t1\r\n", time.Hour},
		{"hours=1 , minutes=2", time.Hour + 2*time.Minute},
		{"hours=1 ; minutes=2", time.Hour + 2*time.Minute},
		{"weeks=1,days=1,hours=1,minutes=1,seconds=1,milliseconds=1,microseconds=1", 694861001001 * time.Microsecond},

		// Ways to write a number.
		{"seconds=22.", 22 * time.Second},
		{"seconds=.597", 597 * time.Millisecond},
		{"seconds=+3.5", 3500 * time.Millisecond},
		{"seconds=-3.5", -3500 * time.Millisecond},
		{"seconds=5e1", 50 * time.Second},
		{"seconds=5E+1", 50 * time.Second},
		{"seconds=6e0", 6 * time.Second},
		{"seconds=1e-3", time.Millisecond},
		{"seconds=.5e1", 5 * time.Second},
		{"seconds=5.e-1", 500 * time.Millisecond},
		{"seconds=-0", 0},

		// No float drift.
		{"seconds=0.1", 100 * time.Millisecond},
		{"seconds=0.1,milliseconds=0.2", 100200 * time.Microsecond},
		{"weeks=0.1,days=-0.7", 0},
		{"seconds=9223372036.854775807", math.MaxInt64},
		{"seconds=-9223372036.854775808", math.MinInt64},
		{"microseconds=9007199254740.993", 9007199254740993},

		// Rounded once, half away from zero.
		{"microseconds=0.0004", 0},
		{"microseconds=0.0005", 1},
		{"microseconds=-0.0005", -1},
		{"microseconds=0.0015", 2},
		{"microseconds=0.00049999999999999999999999999999", 0},
		{"microseconds=0.0003,milliseconds=0.0000003", 1},
		{"microseconds=0.0005,hours=1e-400", 1},
		{"microseconds=0.0005,hours=-1e-400", 0},
		{"microseconds=-0.0005,hours=1e-400", 0},
		{"microseconds=0.0005,hours=-1e-99999999999", 0},
		{"microseconds=0.0005,hours=1e-99999999999,minutes=-60e-99999999999", 1},
		{"microseconds=0.0005,hours=1e-99999999999,minutes=-61e-99999999999", 0},

		// Pairs past the range, sum within it.
		{"weeks=20000,days=-140000", 0},
		{"weeks=20000,days=-139999", 24 * time.Hour},
		{"weeks=-1e30,days=7e30,hours=1", time.Hour},
		{"hours=1e400,minutes=-60e400,seconds=2", 2 * time.Second},
		{"hours=1e999999999,minutes=-60e999999999,seconds=2", 2 * time.Second},
		{"hours=1e999999999999999999,minutes=-60e999999999999999999,seconds=2", 2 * time.Second},

		// At the edges of the range.
		{"microseconds=9223372036854775.807", math.MaxInt64},
		{"microseconds=9223372036854775.8074999999999999", math.MaxInt64},
		{"microseconds=-9223372036854775.8084999999999999", math.MinInt64},
		{"microseconds=9223372036854775.807,seconds=1e-20", math.MaxInt64},

		// Large in digits, not in value.
		{"seconds=0e999999", 0},
		{"seconds=0e000000000000000000000000000000", 0},
		{"seconds=1e0000000000000000000000000000001", 10 * time.Second},
		{"hours=1e-400", 0},
		{"seconds=0." + zeros + "1", 0},
		{"seconds=" + zeros + "1", time.Second},
		{"seconds=1" + zeros + "e-900", time.Second},
		{"seconds=1." + zeros, time.Second},
		{"seconds=0." + zeros + "1e901", time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			d, err := duration.Parse(tt.in)
			require.NoError(t, err)
			assert.Equal(t, tt.want, d.Std())
		})
	}
}

func TestParseErrors(t *testing.T) {
	const (
		keys   = "want microseconds, milliseconds, seconds, minutes, hours, days or weeks"
		value  = "want a decimal number"
		limits = "want within ±9223372036.854775807 seconds"
	)
	tests := []struct {
		in     string
		offset int
		key    string
		reason string // contained in the whole
	}{
		{"", 0, "", "empty pair; want key=value"},
		{"  ", 0, "", "empty pair"},
		{",", 0, "", "empty pair"},
		{"hours=1;", 8, "", "empty pair"},
		{"hours=1; ", 8, "", "empty pair"},
		{"; hours=1", 0, "", "empty pair"},
		{"hours=1;;minutes=2", 8, "", "empty pair"},

		{"hours", 0, "hours", `pair without "="; want key=value`},
		{" 1h ", 1, "1h", `pair without "="`},
		{"hours:1", 0, "hours:1", `pair without "="`},
		{"hours=1,5", 8, "5", `pair without "="`},

		{"=", 0, "", "missing key; " + keys},
		{" =1", 1, "", "missing key"},
		{"hours=1, =1", 9, "", "missing key"},

		{"foo=1", 0, "foo", "unknown key; " + keys},
		{"seconds=1; Hour =1", 11, "Hour", "unknown key"},
		{"ho urs=1", 0, "ho urs", "unknown key"},
		{"wee\u212As=1", 0, "wee\u212As", "unknown key"},
		{"second\u017F=1", 0, "second\u017F", "unknown key"},
		{"hour\x13=1", 0, "hour\x13", "unknown key"},
		{"\u00a0hours=1", 0, "\u00a0hours", "unknown key"},

		{"hours=1,hours=2", 8, "hours", "repeated key; each is allowed once"},
		{"hours=1, HOURS=1", 9, "HOURS", "repeated key"},
		{"hours=0,days=0,hours=0", 15, "hours", "repeated key"},

		{"hours=", 6, "hours", "missing value; " + value},
		{"hours= ,days=1", 7, "hours", "missing value"},

		{"hours=a", 6, "hours", "malformed value; " + value},
		{"hours=nan", 6, "hours", "malformed value"},
		{"hours=inf", 6, "hours", "malformed value"},
		{"hours=-inf", 7, "hours", "malformed value"},
		{"days=1,hours=Infinity", 13, "hours", "malformed value"},
		{"hours==1", 6, "hours", "malformed value"},
		{"hours=--1", 7, "hours", "malformed value"},
		{"hours=- 1", 7, "hours", "malformed value"},
		{"hours=.", 6, "hours", "malformed value"},
		{"hours=.e1", 6, "hours", "malformed value"},
		{"hours=1.2.3", 9, "hours", "malformed value"},
		{"hours=1 2", 8, "hours", "malformed value"},
		{"hours=1_0", 7, "hours", "malformed value"},
		{"hours=0x10", 7, "hours", "malformed value"},
		{"hours=1h", 7, "hours", "malformed value"},
		{"hours=1e", 8, "hours", "malformed value"},
		{"hours=1e+", 9, "hours", "malformed value"},
		{"hours=1e1.5", 9, "hours", "malformed value"},
		{"hours=1=2", 7, "hours", "malformed value"},
		{"hours=1\x00", 7, "hours", "malformed value"},
		{"hours=\u0661", 6, "hours", "malformed value"},
		{"hours=1e1000000000000000000", 8, "hours", "exponent too long; at most 18 digits are allowed"},
		{"hours=1e-1000000000000000000", 9, "hours", "exponent too long"},

		{"hours=1,days=1;weeks=1", 14, "", `mixed separators; want only "," or only ";"`},
		{"hours=1;days=1,weeks=1", 14, "", "mixed separators"},

		{"hours=1e999", 0, "hours", "sum out of range; " + limits},
		{" Hours =-1e999999999", 1, "Hours", "out of range"},
		{"seconds=9223372036.854775808", 0, "seconds", "out of range"},
		{"seconds=9223372036.8547758075", 0, "seconds", "out of range"},
		{"seconds=-9223372036.854775809", 0, "seconds", "out of range"},
		{"seconds=-9223372036.8547758085", 0, "seconds", "out of range"},
		{"seconds=18446744073.709551615", 0, "seconds", "out of range"},
		{"seconds=18446744073.7095516155", 0, "seconds", "out of range"},
		{"seconds=18446744073.709551616", 0, "seconds", "out of range"},
		{"weeks=1e19", 0, "weeks", "out of range"},
		{"weeks=20000,days=20000", 0, "", "out of range"},
		{"hours=1e999999999,minutes=-60.1e999999999", 0, "", "out of range"},
		{"weeks=15250,days=1,microseconds=1e15", 0, "", "out of range"},

		{strings.Repeat(" ", 1024) + "hours=1", 1024, "", "too long; at most 1024 bytes are allowed"},
		{"hours=" + strings.Repeat("1", 1<<20), 1024, "", "too long"},
	}
	for _, tt := range tests {
		t.Run(tt.in[:min(len(tt.in), 40)], func(t *testing.T) {
			d, err := duration.Parse(tt.in)
			var e *duration.ParseError
			require.ErrorAs(t, err, &e)
			assert.Zero(t, d)
			assert.Equal(t, tt.in, e.Input)
			assert.Equal(t, tt.offset, e.Offset)
			assert.Equal(t, tt.key, e.Key)
			assert.Contains(t, e.Reason, tt.reason)
		})
	}
}

func TestParseErrorText(t *testing.T) {
	_, err := duration.Parse("hours=1,\tminuets=2")
	assert.EqualError(t, err, `duration: parse "hours=1,\tminuets=2": at byte 9 in "minuets": `+
		`unknown key; want microseconds, milliseconds, seconds, minutes, hours, days or weeks`)

	_, err = duration.Parse("hours=1,")
	assert.EqualError(t, err, `duration: parse "hours=1,": at byte 8: empty pair; want key=value`)

	for _, long := range []string{strings.Repeat("é", 500), "x" + strings.Repeat("é", 500), strings.Repeat("\x80", 1<<20)} {
		_, err = duration.Parse(long + "=1")
		require.Error(t, err)
		assert.Less(t, len(err.Error()), 1000)
		assert.Contains(t, err.Error(), `"…`)
	}
	_, err = duration.Parse("x" + strings.Repeat("é", 500))
	assert.NotContains(t, err.Error(), `\x`, "cut between characters")
}

// worst returns a text that is as long as allowed and as far apart in its exponents as can be made.
// Computed naively it would take petabytes.
func worst() string {
	const limit = 1024
	s := "weeks=1e99999999999999999,days=-1e9999999999999,hours=1e9999999999,minutes=1e-9999999," +
		"seconds=-1e-9999999999,milliseconds=1e-9999999999999,microseconds="
	return s + strings.Repeat("9", limit-len(s)-7) + "e-99999"
}

func TestParseWorst(t *testing.T) {
	require.Len(t, worst(), 1024)
	_, err := duration.Parse(worst())
	assert.ErrorContains(t, err, "out of range")
}

func TestMustParse(t *testing.T) {
	assert.Equal(t, duration.Duration(90*time.Minute), duration.MustParse("hours=1.5"))
	assert.PanicsWithError(t, `duration: parse "hours": at byte 0: pair without "="; want key=value, such as hours=12`, func() {
		duration.MustParse("hours")
	})
}

func TestParseAllocations(t *testing.T) {
	for _, in := range []string{
		"hours=1,minutes=2.5,seconds=3",
		" WEEKS = 22. ; Hours=14.946714; milliseconds=1e0; Microseconds=-.121 ",
		"weeks=20000,days=-140000",
	} {
		allocs := testing.AllocsPerRun(100, func() {
			if _, err := duration.Parse(in); err != nil {
				t.Fatal(err)
			}
		})
		assert.Zero(t, allocs, "%q", in)
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := duration.Parse("hours=1,minutes=2.5,seconds=3"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseWorst(b *testing.B) {
	in := worst()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := duration.Parse(in); err == nil {
			b.Fatal("no error")
		}
	}
}
