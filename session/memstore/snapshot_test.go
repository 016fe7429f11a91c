package memstore

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// A snapshot is not waited for: while a step changes several sessions there is none, and
// Get waits.
func TestASnapshotIsNotWaitedFor(t *testing.T) {
	store := New()
	now := time.Now()
	s := session.Session{ID: session.NewToken("ada").ID(), User: "ada", Created: now, LastSeen: now, Expires: now.Add(time.Hour)}
	_, err := store.Start(t.Context(), s, session.Replace{})
	require.NoError(t, err)
	take := store.Snapshots(store)
	require.NotNil(t, take(s.ID))

	sh := &store.shards[index(s.ID.Shard())]
	sh.lock()
	taken := take(s.ID) // in vain for ever if it waits
	sh.unlock()
	require.Nil(t, taken)
	require.NotNil(t, take(s.ID))
}

// A session that has ended costs no copy of its ending to find out: Get makes one.
func TestNoSnapshotOfAnEndedSessionCostsNothing(t *testing.T) {
	store := New()
	now := time.Now()
	s := session.Session{ID: session.NewToken("ada").ID(), User: "ada", Created: now, LastSeen: now, Expires: now.Add(time.Hour)}
	_, err := store.Start(t.Context(), s, session.Replace{})
	require.NoError(t, err)
	_, err = store.End(t.Context(), s.ID, session.Ending{Cause: session.CauseRevoked, Detail: []byte(`"detail"`), Keep: now.Add(time.Hour)})
	require.NoError(t, err)
	take := store.Snapshots(store)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if take(s.ID) != nil {
			t.Error("a snapshot of a session that has ended")
		}
	}))
}
