package binding

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
)

// Prefixes is a list of networks. A nil pointer and the zero value are empty. It
// can be replaced while it is in use, and is safe for concurrent use. How long it
// takes to look an address up depends on how many lengths the prefixes have, not on
// how many there are. Its text is "192.0.2.0/24,2001:db8::/32".
type Prefixes struct {
	held atomic.Pointer[prefixSet]
}

// prefixSet is a list that does not change.
type prefixSet struct {
	list    []netip.Prefix // as it was given, and masked
	members map[netip.Prefix]struct{}
	v4, v6  []int // the lengths that prefixes of the family have
}

// NewPrefixes returns the list, or an error as [Prefixes.Set] does.
func NewPrefixes(list ...netip.Prefix) (*Prefixes, error) {
	p := new(Prefixes)
	return p, p.Set(list...)
}

// Set replaces the list. A prefix that is not valid is an error, and changes
// nothing.
func (p *Prefixes) Set(list ...netip.Prefix) error {
	set := &prefixSet{list: make([]netip.Prefix, len(list)), members: make(map[netip.Prefix]struct{}, len(list))}
	for i, prefix := range list {
		if !prefix.IsValid() {
			return fmt.Errorf("binding: prefix %s: want an address and a length, such as 192.0.2.0/24", prefix)
		}
		if prefix.Addr().Is4In6() {
			return fmt.Errorf("binding: prefix %s: want it as IPv4, not mapped into IPv6", prefix)
		}
		set.list[i] = prefix.Masked()
		set.members[set.list[i]] = struct{}{}
		lengths := &set.v6
		if prefix.Addr().Is4() {
			lengths = &set.v4
		}
		if !slices.Contains(*lengths, prefix.Bits()) {
			*lengths = append(*lengths, prefix.Bits())
		}
	}
	p.held.Store(set)
	return nil
}

// Contains reports whether the address is in one of the networks.
func (p *Prefixes) Contains(ip netip.Addr) bool {
	set, ip := p.load(), Normalize(ip)
	if set == nil || !ip.IsValid() {
		return false
	}
	lengths := set.v6
	if ip.Is4() {
		lengths = set.v4
	}
	for _, bits := range lengths {
		prefix, _ := ip.Prefix(bits) // the lengths are the family's
		if _, ok := set.members[prefix]; ok {
			return true
		}
	}
	return false
}

// frozen returns the list as it is now, or nil for nil.
func (p *Prefixes) frozen() *Prefixes {
	if p == nil {
		return nil
	}
	now := new(Prefixes)
	now.held.Store(p.held.Load())
	return now
}

// around returns what of the list holds the address, or nil for nothing.
func (p *Prefixes) around(ip netip.Addr) *Prefixes {
	if !p.Contains(ip) {
		return nil
	}
	var list []netip.Prefix
	for _, prefix := range p.load().list {
		if prefix.Contains(Normalize(ip)) {
			list = append(list, prefix)
		}
	}
	holding := new(Prefixes)
	_ = holding.Set(list...) // they were valid
	return holding
}

// load returns the list as of now, or nil for none.
func (p *Prefixes) load() *prefixSet {
	if p == nil {
		return nil
	}
	return p.held.Load()
}

// MarshalText returns the list as UnmarshalText reads it.
func (p *Prefixes) MarshalText() ([]byte, error) {
	var texts []string
	if set := p.load(); set != nil {
		for _, prefix := range set.list {
			texts = append(texts, prefix.String())
		}
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
