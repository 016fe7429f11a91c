package memstore

import "time"

// limits is a heap of when entries may be forgotten, the next one first. The times are
// in the heap, so that an entry is not looked at for its neighbours' sake: among a million
// sessions each look is one that the processor's caches miss.
type limits []limit

type limit struct {
	at    time.Time // from when on the entry may be forgotten
	entry *entry
}

// width is how many limits are below each, none of them earlier. Four are read from
// two cache lines.
const width = 4

// due reports whether the first entry may be forgotten at now.
func (l limits) due(now time.Time) bool { return len(l) > 0 && !now.Before(l[0].at) }

func (l *limits) add(e *entry, at time.Time) {
	*l = append(*l, limit{})
	l.rise(len(*l)-1, limit{at, e})
}

func (l *limits) remove(e *entry) {
	last := len(*l) - 1
	moved := (*l)[last]
	(*l)[last] = limit{}
	*l = (*l)[:last]
	if moved.entry != e {
		l.put(int(e.place), moved)
	}
}

func (l limits) move(e *entry, at time.Time) { l.put(int(e.place), limit{at, e}) }

// put puts one where it belongs. The place at i is free.
func (l limits) put(i int, one limit) {
	if i > 0 && one.at.Before(l[(i-1)/width].at) {
		l.rise(i, one)
	} else {
		l.sink(i, one)
	}
}

// rise puts one at i, or above it as far as it is earlier.
func (l limits) rise(i int, one limit) {
	for i > 0 {
		above := (i - 1) / width
		if !one.at.Before(l[above].at) {
			break
		}
		l.set(i, l[above])
		i = above
	}
	l.set(i, one)
}

// sink puts one at i, or below it as far as it is later.
func (l limits) sink(i int, one limit) {
	for {
		below := i*width + 1
		if below >= len(l) {
			break
		}
		first := below
		for next := below + 1; next < min(below+width, len(l)); next++ {
			if l[next].at.Before(l[first].at) {
				first = next
			}
		}
		if !l[first].at.Before(one.at) {
			break
		}
		l.set(i, l[first])
		i = first
	}
	l.set(i, one)
}

func (l limits) set(i int, one limit) {
	l[i] = one
	one.entry.place = int32(i)
}
