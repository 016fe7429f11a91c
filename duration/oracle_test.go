package duration_test

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"time"

	"github.com/mooring-go/mooring/duration"
)

// The oracle is the grammar read naively, in big.Rat. It is for exponents of at
// most four digits, since it computes them in full.

var (
	oraclePair   = regexp.MustCompile(`^[ \t\r\n]*([A-Za-z]+)[ \t\r\n]*=[ \t\r\n]*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[ \t\r\n]*$`)
	oracleTooBig = regexp.MustCompile(`[eE][+-]?[0-9]{5}`)
	oracleUnits  = map[string]time.Duration{
		"weeks": 168 * time.Hour, "days": 24 * time.Hour, "hours": time.Hour, "minutes": time.Minute,
		"seconds": time.Second, "milliseconds": time.Millisecond, "microseconds": time.Microsecond,
	}
)

func oracleParse(s string) (duration.Duration, bool) {
	sep := ","
	if strings.Contains(s, ";") {
		sep = ";"
	}
	total, seen := new(big.Rat), map[string]bool{}
	for pair := range strings.SplitSeq(s, sep) {
		m := oraclePair.FindStringSubmatch(pair)
		if m == nil {
			return 0, false
		}
		key := strings.ToLower(m[1])
		unit, known := oracleUnits[key]
		if !known || seen[key] {
			return 0, false
		}
		seen[key] = true
		value, ok := new(big.Rat).SetString(m[2])
		if !ok {
			return 0, false
		}
		total.Add(total, value.Mul(value, new(big.Rat).SetInt64(int64(unit))))
	}
	// FloatString rounds half away from zero.
	ns, _ := new(big.Int).SetString(total.FloatString(0), 10)
	return duration.Duration(ns.Int64()), ns.IsInt64()
}

// oracleDecimal writes d as one pair with the given number of decimals, and says if that is exact.
func oracleDecimal(name string, unit time.Duration, d duration.Duration, decimals int) (string, bool) {
	exact := big.NewRat(int64(d), int64(unit))
	text := exact.FloatString(decimals)
	back, _ := new(big.Rat).SetString(text)
	return name + "=" + text, back.Cmp(exact) == 0
}

// oracleWhole writes d as whole numbers of each unit.
func oracleWhole(d duration.Duration) string {
	var pairs []string
	rest := d.Std()
	for _, name := range []string{"weeks", "days", "hours", "minutes", "seconds", "milliseconds"} {
		if n := rest / oracleUnits[name]; n != 0 {
			pairs = append(pairs, fmt.Sprintf("%s=%d", name, n))
		}
		rest %= oracleUnits[name]
	}
	if rest != 0 {
		pairs = append(pairs, "microseconds="+strings.TrimSuffix(strings.TrimRight(big.NewRat(int64(rest), 1000).FloatString(3), "0"), "."))
	}
	return strings.Join(pairs, ",")
}
