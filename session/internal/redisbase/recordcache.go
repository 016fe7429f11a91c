package redisbase

import (
	"sync/atomic"

	"github.com/mooring-go/mooring/session"
)

// A recordCache remembers what values of live sessions mean, because reading a record
// takes longer than getting it. It holds no state: each value comes from the
// server, and is looked up here whole. Its size is bounded, to some 20 MB where
// as many sessions are in use; of the sessions that share a place it keeps
// the four that came last.
type recordCache [2048]place

// A place has what came last first.
type place [4]atomic.Pointer[meaning]

type meaning struct {
	value   string
	session session.Session
}

// decode returns read(id, value).
func (c *recordCache) decode(id session.ID, value string, read func(session.ID, string) (session.Session, error)) (session.Session, error) {
	place := &c[id.Hash()%uint64(len(c))]
	for i := range place {
		if known := place[i].Load(); known != nil && known.session.ID == id && known.value == value {
			return known.session, nil
		}
	}
	s, err := read(id, value)
	if err == nil {
		place.keep(&meaning{value, s})
	}
	return s, err
}

func (p *place) keep(known *meaning) {
	for i := range p {
		if known = p[i].Swap(known); known == nil {
			return
		}
	}
}
