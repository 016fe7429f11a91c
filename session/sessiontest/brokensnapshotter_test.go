package sessiontest

import (
	"context"
	"sync"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// brokenSnapshotter is a store that takes other snapshots than it should.
type brokenSnapshotter struct {
	*memstore.Store
	take   func(id session.ID) session.Snapshot
	anyone bool // it takes them of stores that embed it too
}

func (b *brokenSnapshotter) Snapshots(of session.Store) func(session.ID) session.Snapshot {
	if own, ok := of.(*brokenSnapshotter); !b.anyone && (!ok || own != b) {
		return nil
	}
	return b.take
}

// latest is a Snapshot that changes.
type latest struct {
	session.Store
	id session.ID
}

func (l latest) Session() session.Session {
	s, _ := l.Get(context.Background(), l.id)
	return s
}

var brokenSnapshotters = []breakage[brokenSnapshotter]{
	{"the first snapshot is kept", []string{"a snapshot is what Get returns", "no snapshot is taken of a session that has ended"}, func(b *brokenSnapshotter) {
		var kept sync.Map
		take := b.Store.Snapshots(b.Store)
		b.take = func(id session.ID) session.Snapshot {
			if first, ok := kept.Load(id); ok {
				return first.(session.Snapshot)
			}
			taken := take(id)
			if taken != nil {
				kept.Store(id, taken)
			}
			return taken
		}
	}},
	{"a snapshot changes", []string{"a snapshot stays as it was taken"}, func(b *brokenSnapshotter) {
		b.take = func(id session.ID) session.Snapshot { return latest{b.Store, id} }
	}},
	{"it is of any store", []string{"a store that embeds another takes no snapshots of it"}, func(b *brokenSnapshotter) {
		b.take, b.anyone = b.Store.Snapshots(b.Store), true
	}},
}
