package binding

import (
	"fmt"
	"maps"
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

// frozen returns the groups as they are now, or nil for nil.
func (g *ASNGroups) frozen() *ASNGroups {
	if g == nil {
		return nil
	}
	now := new(ASNGroups)
	now.groupOf.Store(g.groupOf.Load())
	return now
}

// load returns the group of each number, as of now.
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
