package duration

import "strconv"

// String returns the shortest canonical form; the package comment has the rule.
// For every d, Parse(d.String()) is d.
func (d Duration) String() string {
	var buf [128]byte
	return string(d.append(buf[:0]))
}

func (d Duration) append(b []byte) []byte {
	if d == 0 {
		return append(b, "seconds=0"...)
	}
	sign, ns := "", uint64(d)
	if d < 0 {
		sign, ns = "-", -ns
	}
	var bufs [2][128]byte
	best := appendWhole(bufs[0][:0], sign, ns)
	next := candidate{text: bufs[1][:0]}
	for i := range units {
		if ns%units[i].odd != 0 {
			continue
		}
		next = appendDecimal(next.text[:0], i, sign, ns)
		if next.before(best) {
			best, next = next, best
		}
	}
	return append(b, best.text...)
}

// candidate is one way to write a duration.
type candidate struct {
	text  []byte
	whole bool // no decimals
	unit  int  // the largest in it, as an index of units
}

func (c candidate) before(o candidate) bool {
	if len(c.text) != len(o.text) {
		return len(c.text) < len(o.text)
	}
	if c.whole != o.whole {
		return c.whole
	}
	return c.unit < o.unit
}

// appendWhole writes whole numbers of each unit, largest first, with nanoseconds
// as decimals of the last.
func appendWhole(b []byte, sign string, ns uint64) candidate {
	c := candidate{text: b, whole: true, unit: -1}
	last := len(units) - 1
	for i, u := range units {
		n := ns / u.length * u.length
		if i == last {
			n = ns
		}
		if n == 0 {
			continue
		}
		ns -= n
		if c.unit < 0 {
			c.unit = i
		} else {
			c.text = append(c.text, ',')
		}
		pair := appendDecimal(c.text, i, sign, n)
		c.text, c.whole = pair.text, c.whole && pair.whole
	}
	return c
}

// appendDecimal writes ns as one pair of units[i], whose odd part divides it.
func appendDecimal(b []byte, i int, sign string, ns uint64) candidate {
	u := &units[i]
	b = append(b, u.name...)
	b = append(b, '=')
	b = append(b, sign...)
	b = strconv.AppendUint(b, ns/u.length, 10)
	fraction := ns % u.length / u.odd * u.scale // of 10^places
	if fraction == 0 {
		return candidate{b, true, i}
	}
	b = append(b, '.')
	for digit := pow10[u.places-1]; fraction > 0; digit /= 10 {
		b = append(b, '0'+byte(fraction/digit))
		fraction %= digit
	}
	return candidate{b, false, i}
}
