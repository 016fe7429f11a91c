package duration

// unit is one key of the grammar. The same length is kept in two factorings:
//
//	length = factor × 10^exp ns            for adding up decimal values
//	length = odd × 10^places ÷ scale ns    for writing decimal values
//
// where odd holds the prime factors other than 2 and 5: a number of nanoseconds
// is a finite decimal of the unit exactly if odd divides it, and then has at most
// places decimals.
type unit struct {
	name   string
	length uint64 // ns
	factor uint64
	exp    int64
	odd    uint64
	scale  uint64
	places int
}

// units has the largest first.
var units = [...]unit{
	{"weeks", 604800e9, 6048, 11, 189, 3125, 16},
	{"days", 86400e9, 864, 11, 27, 3125, 16},
	{"hours", 3600e9, 36, 11, 9, 25, 13},
	{"minutes", 60e9, 6, 10, 3, 5, 11},
	{"seconds", 1e9, 1, 9, 1, 1, 9},
	{"milliseconds", 1e6, 1, 6, 1, 1, 6},
	{"microseconds", 1e3, 1, 3, 1, 1, 3},
}

// unitOf returns the index in units of the key, or -1.
func unitOf(key string) int {
	for i := range units {
		if equalFold(units[i].name, key) {
			return i
		}
	}
	return -1
}

// equalFold compares a name of lower-case ASCII letters with s in any case.
// ASCII only: Unicode folding would take the Kelvin sign for a k.
func equalFold(name, s string) bool {
	if len(name) != len(s) {
		return false
	}
	for i := range len(name) {
		if s[i]|0x20 != name[i] {
			return false
		}
	}
	return true
}
