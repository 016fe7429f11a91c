package memstore

import (
	"math/bits"
	"sync/atomic"

	"github.com/mooring-go/mooring/session"
)

// A table finds entries by ID. Any number of goroutines may call find at any time; the
// caller sees to it that one at a time makes changes. So a search waits for nobody, not
// even for a thread that loses its processor in the middle of a change.
//
// What find sees in slots that were replaced meanwhile was true when they were, as if
// find had come before the change. Whether its session has ended, an entry knows
// itself.
type table struct {
	slots atomic.Pointer[[]slot] // a power of two of them
	used  int                    // how many have a tag: at most 3/4
	held  int                    // how many have an entry
}

// A slot is a place in a table with open addressing and linear probing. A search ends
// at a slot without a tag. A slot that lost its entry keeps its tag, because other
// entries may be behind it.
type slot struct {
	tag   atomic.Uint64 // of the entry's ID; spares a look at most of the other entries
	entry atomic.Pointer[entry]
}

// tagOf returns the tag of the ID. It is never 0, which is no tag.
func tagOf(id *session.ID) uint64 { return id.Hash() | 1 }

// at returns the nth slot in which an entry with the tag can be.
func at(slots []slot, tag uint64, n int) *slot {
	return &slots[(tag>>1+uint64(n))&uint64(len(slots)-1)]
}

// init makes the table an empty one.
func (t *table) init() { t.slots.Store(new(make([]slot, 1))) }

// find returns the entry with the ID, or nil.
func (t *table) find(id *session.ID) *entry {
	slots, tag := *t.slots.Load(), tagOf(id)
	for n := 0; ; n++ {
		s := at(slots, tag, n)
		switch s.tag.Load() {
		case 0:
			return nil
		case tag:
			if e := s.entry.Load(); e != nil && e.id == *id {
				return e
			}
		}
	}
}

// add adds an entry whose ID is not in the table.
func (t *table) add(e *entry) {
	if slots := *t.slots.Load(); (t.used+1)*4 > len(slots)*3 {
		t.rebuild()
	}
	if put(*t.slots.Load(), tagOf(&e.id), e) {
		t.used++
	}
	t.held++
}

// put puts e, whose tag is given, into the first slot that has no entry, and reports
// whether it had no tag either.
func put(slots []slot, tag uint64, e *entry) bool {
	for n := 0; ; n++ {
		if s := at(slots, tag, n); s.entry.Load() == nil {
			s.entry.Store(e) // before the tag, by which it is found
			return s.tag.Swap(tag) == 0
		}
	}
}

// remove removes an entry that is in the table.
func (t *table) remove(e *entry) {
	slots, tag := *t.slots.Load(), tagOf(&e.id)
	for n := 0; ; n++ {
		if s := at(slots, tag, n); s.entry.CompareAndSwap(e, nil) {
			t.held--
			return
		}
	}
}

// rebuild makes a table without the tags of removed entries, of the smallest size in which
// a third or more of the slots are free: the less memory it takes, the more of it the
// processor's caches hold.
func (t *table) rebuild() {
	before, slots := *t.slots.Load(), make([]slot, 1<<bits.Len(uint(t.held+t.held/2+1)))
	for i := range before {
		if e := before[i].entry.Load(); e != nil {
			put(slots, before[i].tag.Load(), e) // the entry is not looked at
		}
	}
	t.used = t.held
	t.slots.Store(&slots)
}
