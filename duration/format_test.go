package duration_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/duration"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
)

var formatted = []struct {
	d    time.Duration
	want string
}{
	{0, "seconds=0"},
	{30 * day, "days=30"},
	{90 * time.Minute, "hours=1.5"},
	{100 * time.Minute, "minutes=100"},
	{-90 * time.Minute, "hours=-1.5"},
	{12 * day, "days=12"},
	{time.Second, "seconds=1"},
	{100 * time.Millisecond, "seconds=0.1"},
	{time.Millisecond, "seconds=0.001"},
	{time.Microsecond, "microseconds=1"},
	{1, "microseconds=0.001"},
	{-1, "microseconds=-0.001"},
	{week + 1, "seconds=604800.000000001"},
	{-week - 1, "seconds=-604800.000000001"},
	{time.Hour + time.Minute, "minutes=61"},
	{time.Hour + time.Second, "seconds=3601"},
	{week + time.Millisecond, "seconds=604800.001"},
	{18 * time.Minute, "hours=0.3"},
	// Equally short: whole numbers before decimals.
	{12 * time.Hour, "hours=12"},                            // or days=0.5
	{36 * time.Second, "seconds=36"},                        // or hours=0.01
	{9*week + time.Microsecond, "weeks=9,microseconds=1"},   // or seconds=5443200.000001
	{-9*week - time.Microsecond, "seconds=-5443200.000001"}, // shorter, as it has one sign
	// Equally short: the larger unit.
	{14 * day, "weeks=2"},                               // or days=14
	{15*week + 60480*time.Millisecond, "weeks=15.0001"}, // or days=105.0007
	{math.MaxInt64, "seconds=9223372036.854775807"},
	{math.MinInt64, "seconds=-9223372036.854775808"},
}

func TestString(t *testing.T) {
	for _, tt := range formatted {
		d := duration.Duration(tt.d)
		assert.Equal(t, tt.want, d.String(), "%d ns", tt.d)
		text, err := d.MarshalText()
		require.NoError(t, err)
		assert.Equal(t, tt.want, string(text))
	}
}

func TestStringIsShortest(t *testing.T) {
	for range 1000 {
		d := someDuration()
		if d == 0 {
			continue // seconds=0 by decree
		}
		got := d.String()
		require.LessOrEqual(t, len(got), len(oracleWhole(d)), "%s or %s", got, oracleWhole(d))
		for name, unit := range oracleUnits {
			for decimals := range 17 {
				if other, exact := oracleDecimal(name, unit, d, decimals); exact {
					require.LessOrEqual(t, len(got), len(other), "%s or %s", got, other)
					break
				}
			}
		}
	}
}

func TestRoundTrip(t *testing.T) {
	check := func(d duration.Duration) {
		got, err := duration.Parse(d.String())
		require.NoError(t, err, "%d ns", d)
		require.Equal(t, d, got, "%s", d)
	}
	for _, tt := range formatted {
		check(duration.Duration(tt.d))
	}
	for i := range duration.Duration(1000) {
		check(i)
		check(math.MaxInt64 - i)
		check(math.MinInt64 + i)
	}
	for range 5_000 {
		check(someDuration())
	}
}

// someDuration returns a duration that is as likely small as large, and as likely round as odd.
func someDuration() duration.Duration {
	d := rand.Int64() >> rand.IntN(63)
	if rand.IntN(2) == 0 {
		d = -d
	}
	round := []time.Duration{1, time.Microsecond, time.Millisecond, time.Second, time.Minute, time.Hour, day, week}
	return duration.Duration(time.Duration(d).Truncate(round[rand.IntN(len(round))]))
}

func BenchmarkString(b *testing.B) {
	d := duration.Duration(36*time.Hour + 2*time.Minute + 3*time.Second)
	b.ReportAllocs()
	for b.Loop() {
		_ = d.String()
	}
}
