package memstore

import "container/heap"

// limits is a heap of entries, the next to be forgotten first.
type limits []*entry

func (l *limits) add(e *entry)    { heap.Push(l, e) }
func (l *limits) moved(e *entry)  { heap.Fix(l, int(e.place)) }
func (l *limits) remove(e *entry) { heap.Remove(l, int(e.place)) }

// Len, Less, Swap, Push and Pop are for container/heap.

func (l limits) Len() int           { return len(l) }
func (l limits) Less(i, j int) bool { return l[i].limit.Before(l[j].limit) }

func (l limits) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].place, l[j].place = int32(i), int32(j)
}

func (l *limits) Push(e any) {
	added := e.(*entry)
	added.place = int32(len(*l))
	*l = append(*l, added)
}

func (l *limits) Pop() any {
	last := len(*l) - 1
	e := (*l)[last]
	(*l)[last] = nil
	*l = (*l)[:last]
	return e
}
