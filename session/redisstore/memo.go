package redisstore

import (
	"hash/maphash"
	"sync/atomic"

	"github.com/mooring-go/mooring/session"
)

// A memo remembers what values of live sessions mean, because reading a record
// takes longer than getting it. It holds no state: each value comes from the
// server, and is looked up here whole. Its size is bounded, to some 20 MB where
// so many sessions are in use; of the sessions that fall into one place the two
// stay that came last.
type memo struct {
	seed   maphash.Seed
	places [4096][2]atomic.Pointer[meaning]
}

type meaning struct {
	value   string
	session session.Session
}

func newMemo() *memo { return &memo{seed: maphash.MakeSeed()} }

// decode returns read(value), for the session of that ID.
func (m *memo) decode(id session.ID, value string, read func(string) (session.Session, error)) (session.Session, error) {
	place := &m.places[maphash.Comparable(m.seed, id)%uint64(len(m.places))]
	for i := range place {
		if known := place[i].Load(); known != nil && known.value == value {
			return known.session, nil
		}
	}
	s, err := read(value)
	if err == nil {
		place[1].Store(place[0].Swap(&meaning{value, s}))
	}
	return s, err
}
