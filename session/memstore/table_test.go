package memstore

import (
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// idOf returns an ID with the hash. IDs with one hash differ by n.
func idOf(t *testing.T, hash uint64, n int) session.ID {
	t.Helper()
	var sum [32]byte
	binary.LittleEndian.PutUint64(sum[:], hash)
	binary.LittleEndian.PutUint64(sum[8:], uint64(n)+1)
	id, err := session.ParseID(base64.RawURLEncoding.EncodeToString(sum[:]) + "AA")
	require.NoError(t, err)
	require.Equal(t, hash, id.Hash())
	return id
}

// A table finds what a map finds, whatever the hashes are.
func TestTableIsAMap(t *testing.T) {
	for name, hash := range map[string]func(n int) uint64{
		"spread":        func(int) uint64 { return rand.Uint64() },
		"all the same":  func(int) uint64 { return 0 },
		"neighbours":    func(n int) uint64 { return uint64(n) },
		"last of all":   func(int) uint64 { return 1<<64 - 1 },
		"a few in turn": func(n int) uint64 { return uint64(n % 3) },
	} {
		t.Run(name, func(t *testing.T) {
			const n = 200
			ids := make([]session.ID, n)
			for i := range ids {
				ids[i] = idOf(t, hash(i), i)
			}
			var got table
			got.init()
			want := map[session.ID]*entry{}
			for range 20_000 {
				id := ids[rand.IntN(n)]
				require.Same(t, want[id], got.find(&id))
				if e := want[id]; e != nil {
					got.remove(e)
					delete(want, id)
				} else {
					e := &entry{id: id}
					got.add(e)
					want[id] = e
				}
				require.Equal(t, len(want), got.held)
			}
			slots := *got.slots.Load()
			assert.LessOrEqual(t, len(slots), 4*n, "it does not grow with what was removed")
		})
	}
}

// While one changes a table, others find in it what is there all along, and not
// what never is.
func TestTableIsFoundInWhileItChanges(t *testing.T) {
	var shared table
	shared.init()
	stay := make([]*entry, 100)
	for i := range stay {
		stay[i] = &entry{id: session.NewToken("ada").ID()}
		shared.add(stay[i])
	}
	var finders sync.WaitGroup
	over := make(chan struct{})
	for range 4 {
		finders.Go(func() {
			stranger := session.NewToken("ada").ID()
			for {
				select {
				case <-over:
					return
				default:
				}
				e := stay[rand.IntN(len(stay))]
				if shared.find(&e.id) != e || shared.find(&stranger) != nil {
					t.Error("found the wrong entry, or none")
					return
				}
			}
		})
	}
	var changing []*entry
	for i := range 30_000 { // grows to hundreds and shrinks again, over and over
		if grow := i/500%2 == 0; grow || len(changing) == 0 {
			e := &entry{id: session.NewToken("ada").ID()}
			shared.add(e)
			changing = append(changing, e)
			continue
		}
		k := rand.IntN(len(changing))
		shared.remove(changing[k])
		changing[k] = changing[len(changing)-1]
		changing = changing[:len(changing)-1]
	}
	close(over)
	finders.Wait()
}

// Nobody who changes one session, as a sweep does over and over, keeps others from
// reading, even if its thread stops in the middle of it.
func TestGetWaitsForNoLock(t *testing.T) {
	store := New()
	now := time.Now().Round(0).UTC()
	start := func() session.ID {
		s := session.Session{ID: session.NewToken("ada").ID(), User: "ada", Created: now, LastSeen: now, Expires: now.Add(time.Hour)}
		_, err := store.Start(t.Context(), s, session.Replace{})
		require.NoError(t, err)
		return s.ID
	}
	live, ended := start(), start()
	_, err := store.End(t.Context(), ended, session.Ending{Cause: session.CauseSignedOut, Keep: now.Add(time.Hour)})
	require.NoError(t, err)

	for i := range store.shards {
		store.shards[i].mu.Lock()
	}
	s, err := store.Get(t.Context(), live)
	require.NoError(t, err)
	assert.Equal(t, "ada", s.User)
	_, err = store.Get(t.Context(), ended)
	assert.ErrorAs(t, err, new(*session.EndedError))
	_, err = store.Get(t.Context(), session.NewToken("ada").ID())
	assert.ErrorIs(t, err, session.ErrNotFound)
}
