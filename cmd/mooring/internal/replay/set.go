package replay

import "math/bits"

// MaxPolicies is how many policies can be replayed at once.
const MaxPolicies = 128

// set is a set of policies, by their indexes.
type set [MaxPolicies / 64]uint64

// firstOf returns the set of the first n policies.
func firstOf(n int) set {
	var s set
	for i := range n {
		s.add(i)
	}
	return s
}

// only returns the set of one policy.
func only(i int) set {
	var s set
	s.add(i)
	return s
}

func (s *set) add(i int)     { s[i/64] |= 1 << (i % 64) }
func (s *set) remove(i int)  { s[i/64] &^= 1 << (i % 64) }
func (s set) has(i int) bool { return s[i/64]>>(i%64)&1 == 1 }

// with returns the policies of both.
func (s set) with(other set) set {
	for i := range s {
		s[i] |= other[i]
	}
	return s
}

// each yields the policies of the set, in order.
func (s set) each(yield func(int) bool) {
	for word, rest := range s {
		for ; rest != 0; rest &= rest - 1 {
			if !yield(64*word + bits.TrailingZeros64(rest)) {
				return
			}
		}
	}
}

// count returns 1 for a policy of the set, and 0 for any other.
func (s set) count(i int) int { return int(s[i/64] >> (i % 64) & 1) }
