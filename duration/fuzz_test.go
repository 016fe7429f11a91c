package duration_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/duration"
)

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "hours=1,minutes=2.5,seconds=3", "hours=1;", "; hours=1", "WEEKS= 22. ;Hours=-.5e-3",
		"seconds=9223372036.8547758075", "weeks=20000,days=-140000", "microseconds=0.0005,hours=-1e-400",
		"hours=1e999999999,minutes=-60e999999999", "seconds=0e999999", "hours=1,days=1;weeks=1", "hours=nan",
		"seconds=123456789012345678901234567890e-25", "hours=1,HOURS=2",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := duration.Parse(s)
		if err == nil {
			back, err := duration.Parse(d.String())
			require.NoError(t, err)
			require.Equal(t, d, back)
		} else {
			var e *duration.ParseError
			require.ErrorAs(t, err, &e)
			require.Equal(t, s, e.Input)
			require.LessOrEqual(t, e.Offset, len(s))
			require.Contains(t, s, e.Key)
			require.Less(t, len(e.Error()), 1000)
		}
		if len(s) > 1024 || oracleTooBig.MatchString(s) {
			return
		}
		want, ok := oracleParse(s)
		require.Equal(t, ok, err == nil, "%q: %v", s, err)
		if ok {
			require.Equal(t, want, d, "%q", s)
		} else {
			require.Zero(t, d)
		}
	})
}

func FuzzString(f *testing.F) {
	for _, n := range []int64{0, 1, -1, 3600e9, 604800e9 + 1, math.MaxInt64, math.MinInt64} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, n int64) {
		d := duration.Duration(n)
		back, err := duration.Parse(d.String())
		require.NoError(t, err)
		require.Equal(t, d, back)
	})
}

// Random input of the right shape agrees with the oracle.
func TestParseOracle(t *testing.T) {
	parsed := 0
	for range 5_000 {
		s := someInput()
		want, ok := oracleParse(s)
		d, err := duration.Parse(s)
		require.Equal(t, ok, err == nil, "%q: %v", s, err)
		if ok {
			parsed++
			require.Equal(t, want, d, "%q", s)
		}
	}
	assert.Greater(t, parsed, 1_000)
}

func someInput() string {
	keys := []string{"weeks", "Days", "hourS", "MINUTES", "seconds", "Milliseconds", "microseconds"}
	rand.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	keys = keys[:1+rand.IntN(len(keys))]
	sep := []string{",", ";", " , "}[rand.IntN(3)]
	digits := func(most int) string {
		var b strings.Builder
		for range rand.IntN(most + 1) {
			b.WriteByte(byte('0' + rand.IntN(10)))
		}
		return b.String()
	}
	var pairs []string
	for _, k := range keys {
		v := []string{"", "+", "-"}[rand.IntN(3)]
		switch rand.IntN(4) {
		case 0:
			v += digits(4) + "5"
		case 1:
			v += digits(4) + "." + digits(25) + "5"
		case 2:
			v += digits(2) + "." + digits(5) + "5e" + []string{"", "-"}[rand.IntN(2)] + digits(1) + "1"
		case 3:
			v += digits(25) + "5e-" + digits(1) + "9"
		}
		pairs = append(pairs, k+"="+v)
	}
	return strings.Join(pairs, sep)
}
