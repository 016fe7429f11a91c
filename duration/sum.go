package duration

import (
	"cmp"
	"math/big"
	"math/bits"
	"slices"
	"strings"
)

// sum adds up the terms exactly and rounds the sum to the nearest nanosecond, half
// away from zero. It reports false if that is out of range.
func sum(terms []term) (Duration, bool) {
	if d, ok, exact := sumFixed(terms); exact {
		return d, ok
	}
	return sumBig(terms)
}

// The fast path counts in 10^-fixedPlaces ns.
const (
	fixedPlaces = 7
	fixedOne    = 10_000_000 // 10^fixedPlaces
)

// sumFixed adds up in a 128-bit integer. It reports exact = false if some term
// needs more digits than that has room for.
func sumFixed(terms []term) (d Duration, ok, exact bool) {
	var hi, lo uint64 // two's complement
	for i := range terms {
		t := &terms[i]
		if t.long {
			return 0, false, false
		}
		if t.mantissa == 0 {
			continue
		}
		exp := t.exp + t.unit.exp + fixedPlaces
		if exp < 0 || exp > 2*maxPow10 {
			return 0, false, false
		}
		over, m := bits.Mul64(t.mantissa, t.unit.factor)
		if exp > maxPow10 && over == 0 {
			over, m = bits.Mul64(m, pow10[exp-maxPow10])
			exp = maxPow10
		}
		if over != 0 {
			return 0, false, false
		}
		// Below 2^64 × 10^18, so seven of them stay below 2^127.
		h, l := bits.Mul64(m, pow10[exp])
		var carry uint64
		if t.negative {
			lo, carry = bits.Sub64(lo, l, 0)
			hi, _ = bits.Sub64(hi, h, carry)
		} else {
			lo, carry = bits.Add64(lo, l, 0)
			hi, _ = bits.Add64(hi, h, carry)
		}
	}
	negative := hi>>63 == 1
	if negative {
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, borrow)
	}
	if hi >= fixedOne {
		return 0, false, true // the quotient would not fit 64 bits
	}
	quotient, rest := bits.Div64(hi, lo, fixedOne)
	d, ok = round(negative, quotient, rest >= fixedOne/2)
	return d, ok, true
}

const maxPow10 = 18

var pow10 = [maxPow10 + 1]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
	1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
}

// round makes a Duration of a number of nanoseconds, plus one if up.
func round(negative bool, ns uint64, up bool) (Duration, bool) {
	const limit = 1 << 63
	if ns > limit {
		return 0, false
	}
	if up {
		ns++
	}
	if negative {
		return Duration(-ns), ns <= limit
	}
	return Duration(ns), ns < limit
}

// maxGap is a number of decimal digits that no sum of terms, each as a whole
// number, has: all digits are in the input, and the units add less than five.
const maxGap = maxInput + 8

// sumBig adds up terms of any size. Their exponents may be astronomically far
// apart, so a gap between two neighbouring exponents counts as maxGap at most.
// That changes no result. Call A the sum of the terms above the gap, in units of
// the last exponent there, and R the sum of those below it: R is less than one
// such unit, whether the gap is cut or not, so it decides only where A is exactly
// 0 or exactly between two nanoseconds, and then by its sign alone. For the
// latter, half a nanosecond has to be a whole number of such units, or A out of
// range: hence the empty part at 10^-1 ns.
func sumBig(terms []term) (Duration, bool) {
	type part struct {
		coefficient *big.Int
		exp         int64 // of ns
	}
	const half = -1
	parts := []part{{new(big.Int), half}}
	for i := range terms {
		t := &terms[i]
		c, _ := new(big.Int).SetString(strings.Replace(t.digits, ".", "", 1), 10)
		if c.Sign() == 0 {
			continue // whatever its exponent
		}
		c.Mul(c, new(big.Int).SetUint64(t.unit.factor))
		if t.negative {
			c.Neg(c)
		}
		parts = append(parts, part{c, t.exp + t.unit.exp})
	}
	slices.SortFunc(parts, func(a, b part) int { return cmp.Compare(b.exp, a.exp) })

	total, exp := new(big.Int), parts[0].exp
	places := int64(-half) // of total, in ns
	for _, p := range parts {
		gap := min(exp-p.exp, maxGap)
		total.Mul(total, bigPow10(gap))
		total.Add(total, p.coefficient)
		exp = p.exp
		if exp < half {
			places += gap
		}
	}

	one := bigPow10(places)
	quotient, rest := new(big.Int).QuoRem(new(big.Int).Abs(total), one, new(big.Int))
	if !quotient.IsUint64() {
		return 0, false
	}
	up := rest.Lsh(rest, 1).Cmp(one) >= 0
	return round(total.Sign() < 0, quotient.Uint64(), up)
}

func bigPow10(n int64) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(n), nil)
}
