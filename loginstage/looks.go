package loginstage

import "container/heap"

// looks is a heap of streams, the next to look at first.
type looks []*stream

func (l *looks) add(s *stream)    { heap.Push(l, s) }
func (l *looks) moved(s *stream)  { heap.Fix(l, int(s.place)) }
func (l *looks) remove(s *stream) { heap.Remove(l, int(s.place)) }

// Len, Less, Swap, Push and Pop are for container/heap.
func (l looks) Len() int           { return len(l) }
func (l looks) Less(i, j int) bool { return l[i].look < l[j].look }
func (l looks) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].place, l[j].place = int32(i), int32(j)
}

func (l *looks) Push(s any) {
	added := s.(*stream)
	added.place = int32(len(*l))
	*l = append(*l, added)
}

func (l *looks) Pop() any {
	last := len(*l) - 1
	s := (*l)[last]
	(*l)[last] = nil
	*l = (*l)[:last]
	s.place = nowhere
	return s
}
