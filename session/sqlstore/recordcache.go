package sqlstore

import (
	"bytes"
	"sync/atomic"

	"github.com/mooring-go/mooring/session"
)

// A recordCache remembers what records mean, because to read one takes longer than to
// get it. It holds no state: each record comes from the database, and is looked
// up here whole. Its size is bounded, some 20 MB with records of 1 kB; of the
// sessions that share a place it keeps the four that came last.
type recordCache [2048]place

// mostRemembered is how many bytes a record has at the most that is remembered.
const mostRemembered = 4 << 10

// A place has what came last first.
type place [4]atomic.Pointer[meaning]

type meaning struct {
	record  []byte
	session session.Session
}

// decode is [session.DecodeRecord], for the record of the session of that ID,
// which it keeps. The record stays the caller's.
func (c *recordCache) decode(id session.ID, record []byte) (session.Session, error) {
	place := &c[id.Hash()%uint64(len(c))]
	for i := range place {
		if known := place[i].Load(); known != nil && bytes.Equal(known.record, record) {
			return known.session, nil
		}
	}
	s, err := session.DecodeRecord(record)
	if err == nil && len(record) <= mostRemembered {
		place.keep(&meaning{bytes.Clone(record), s})
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
