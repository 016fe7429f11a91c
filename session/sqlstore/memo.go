package sqlstore

import (
	"bytes"
	"hash/maphash"
	"sync/atomic"

	"github.com/mooring-go/mooring/session"
)

// A memo remembers what records mean, because to read one takes longer than to
// get it. It holds no state: each record comes from the database, and is looked
// up here whole. Its size is bounded; of the sessions that fall into one place
// the two stay that came last.
type memo struct {
	seed   maphash.Seed
	places [4096][2]atomic.Pointer[meaning]
}

type meaning struct {
	record  []byte
	session session.Session
}

func newMemo() *memo { return &memo{seed: maphash.MakeSeed()} }

// decode is [session.DecodeRecord], for the record of the session of that ID,
// which it keeps. The record stays the caller's.
func (m *memo) decode(id session.ID, record []byte) (session.Session, error) {
	place := &m.places[maphash.Comparable(m.seed, id)%uint64(len(m.places))]
	for i := range place {
		if known := place[i].Load(); known != nil && bytes.Equal(known.record, record) {
			return known.session, nil
		}
	}
	s, err := session.DecodeRecord(record)
	if err == nil {
		place[1].Store(place[0].Swap(&meaning{bytes.Clone(record), s}))
	}
	return s, err
}
