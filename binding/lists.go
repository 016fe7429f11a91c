package binding

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// ASNGroups says which autonomous systems belong to one operator, so that a
// client that moves between them has not changed its network. A nil pointer and
// the zero value have no group. It can be replaced while it is in use, and is
// safe for concurrent use. Its text is "6805+8881,3320+6878".
//
// What an attacker gains: the other networks of the user's operator.
type ASNGroups struct {
	groupOf atomic.Pointer[map[uint32]int]
}

// NewASNGroups returns the groups, or an error as [ASNGroups.Set] does.
func NewASNGroups(groups ...[]uint32) (*ASNGroups, error) {
	g := new(ASNGroups)
	return g, g.Set(groups...)
}

// Set replaces all groups. A number that stands in two of them, or is 0, is an
// error, and changes nothing.
func (g *ASNGroups) Set(groups ...[]uint32) error {
	groupOf := map[uint32]int{}
	for i, group := range groups {
		for _, number := range group {
			if other, ok := groupOf[number]; number == 0 || (ok && other != i) {
				return fmt.Errorf("binding: ASN %d: want each number above 0, and in one group only", number)
			}
			groupOf[number] = i
		}
	}
	g.groupOf.Store(&groupOf)
	return nil
}

// Same reports whether a and b are in one group.
func (g *ASNGroups) Same(a, b uint32) bool {
	groupOf := g.load()
	groupA, okA := groupOf[a]
	groupB, okB := groupOf[b]
	return okA && okB && groupA == groupB
}

// load is the group of each number, as of now.
func (g *ASNGroups) load() map[uint32]int {
	if g == nil {
		return nil
	}
	if groupOf := g.groupOf.Load(); groupOf != nil {
		return *groupOf
	}
	return nil
}

// MarshalText returns the groups as UnmarshalText reads them, in order of their
// least numbers.
func (g *ASNGroups) MarshalText() ([]byte, error) {
	groupOf := g.load()
	groups := map[int][]string{}
	var order []int
	for _, number := range slices.Sorted(maps.Keys(groupOf)) {
		i := groupOf[number]
		if groups[i] == nil {
			order = append(order, i)
		}
		groups[i] = append(groups[i], strconv.FormatUint(uint64(number), 10))
	}
	texts := make([]string, len(order))
	for i, group := range order {
		texts[i] = strings.Join(groups[group], "+")
	}
	return []byte(strings.Join(texts, ",")), nil
}

// UnmarshalText replaces all groups by those in text, and leaves them as they
// were on error. Empty text is no group.
func (g *ASNGroups) UnmarshalText(text []byte) error {
	var groups [][]uint32
	for part := range fields(text) {
		var group []uint32
		for number := range strings.SplitSeq(part, "+") {
			n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 32)
			if err != nil {
				return fmt.Errorf("binding: ASN group %.40q: want numbers joined by +, such as 6805+8881", part)
			}
			group = append(group, uint32(n))
		}
		groups = append(groups, group)
	}
	return g.Set(groups...)
}

// Prefixes is a list of networks. A nil pointer and the zero value are empty. It
// can be replaced while it is in use, and is safe for concurrent use. Looking an
// address up takes time in proportion to the list. Its text is
// "192.0.2.0/24,2001:db8::/32".
type Prefixes struct {
	list atomic.Pointer[[]netip.Prefix]
}

// NewPrefixes returns the list, or an error as [Prefixes.Set] does.
func NewPrefixes(list ...netip.Prefix) (*Prefixes, error) {
	p := new(Prefixes)
	return p, p.Set(list...)
}

// Set replaces the list. A prefix that is not valid is an error, and changes
// nothing.
func (p *Prefixes) Set(list ...netip.Prefix) error {
	masked := make([]netip.Prefix, len(list))
	for i, prefix := range list {
		if !prefix.IsValid() {
			return fmt.Errorf("binding: prefix %s: want an address and a length, such as 192.0.2.0/24", prefix)
		}
		if prefix.Addr().Is4In6() {
			return fmt.Errorf("binding: prefix %s: want it as IPv4, not mapped into IPv6", prefix)
		}
		masked[i] = prefix.Masked()
	}
	p.list.Store(&masked)
	return nil
}

// Contains reports whether the address is in one of the networks.
func (p *Prefixes) Contains(ip netip.Addr) bool {
	ip = Normalize(ip)
	return slices.ContainsFunc(p.load(), func(prefix netip.Prefix) bool { return prefix.Contains(ip) })
}

// load is the list as of now.
func (p *Prefixes) load() []netip.Prefix {
	if p == nil {
		return nil
	}
	if list := p.list.Load(); list != nil {
		return *list
	}
	return nil
}

// MarshalText returns the list as UnmarshalText reads it.
func (p *Prefixes) MarshalText() ([]byte, error) {
	list := p.load()
	texts := make([]string, len(list))
	for i, prefix := range list {
		texts[i] = prefix.String()
	}
	return []byte(strings.Join(texts, ",")), nil
}

// UnmarshalText replaces the list by that in text, and leaves it as it was on
// error. Empty text is an empty list.
func (p *Prefixes) UnmarshalText(text []byte) error {
	var list []netip.Prefix
	for part := range fields(text) {
		prefix, err := netip.ParsePrefix(part)
		if err != nil {
			return fmt.Errorf("binding: prefix %.60q: want an address and a length, such as 192.0.2.0/24", part)
		}
		list = append(list, prefix)
	}
	return p.Set(list...)
}

// fields yields the parts of a list that is separated by commas, none for empty
// text.
func fields(text []byte) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		if len(text) == 0 {
			return
		}
		for part := range strings.SplitSeq(string(text), ",") {
			if !yield(strings.TrimSpace(part)) {
				return
			}
		}
	}
}
