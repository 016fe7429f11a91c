package memstore_test

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// noon is long past, so that a sweep at any time near it is not ahead of the clock.
var noon = time.Date(2020, 11, 24, 12, 0, 0, 0, time.UTC)

// places are shared by all sessions, as a locator's facts are.
var anchor = binding.Location{
	IP:  netip.MustParseAddr("2001:db8::1"),
	ASN: &binding.ASN{Number: 64500, Organization: "Example Net", Network: netip.MustParsePrefix("2001:db8::/32")},
	Geo: &binding.Geo{Country: binding.Country{ISOCode: "DE"}},
}

// newSession returns a session of the user as a sign-in makes it, with strings
// of its own.
func newSession(user string, number int) session.Session {
	return session.Session{
		ID: session.NewToken(user).ID(), User: user, Name: "Name of " + user, Method: "password", Stage: "default",
		Created: noon, LastSeen: noon, Expires: noon.Add(720 * time.Hour), Idle: 24 * time.Hour,
		IP: anchor.IP, Anchor: anchor, Policy: binding.Policy{Network: binding.NetworkASN},
		UserAgent: fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64; rv:%[1]d.0) Gecko/20100101 Firefox/%[1]d.0", number%200),
	}
}

// fill starts n sessions, perUser of each user, and returns their IDs.
func fill(tb testing.TB, store *memstore.Store, n, perUser int) []session.ID {
	tb.Helper()
	ids := make([]session.ID, n)
	for i := range n {
		s := newSession(userName(i/perUser), i)
		ids[i] = s.ID
		_, err := store.Start(tb.Context(), s, session.Replace{})
		require.NoError(tb, err)
	}
	return ids
}

func userName(i int) string { return fmt.Sprintf("user-%08d", i) }

// footprint returns how many bytes of memory are in use.
func footprint() uint64 {
	runtime.GC()
	runtime.GC() // the first finds what weak pointers held
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func TestSessionTakesLittleMemory(t *testing.T) {
	const n = 50_000
	store := memstore.New()
	before := footprint()
	for i := range n {
		_, err := store.Start(t.Context(), newSession(userName(i), i), session.Replace{})
		require.NoError(t, err)
	}
	assert.LessOrEqual(t, (footprint()-before)/n, uint64(600), "bytes a session, with an index entry for each user")
	runtime.KeepAlive(store)
}

func TestGetAllocatesNothing(t *testing.T) {
	store := memstore.New()
	id := fill(t, store, 1, 1)[0]
	ctx := t.Context()
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := store.Get(ctx, id); err != nil {
			t.Error(err)
		}
	}))
}

// A host that never calls Sweep does not grow without bound.
func TestStartForgetsWhatIsOverdue(t *testing.T) {
	store := memstore.New()
	var ids []session.ID
	for i := range 100 {
		s := newSession("ada", i)
		s.Expires = noon.Add(time.Minute)
		ids = append(ids, s.ID)
		_, err := store.Start(t.Context(), s, session.Replace{})
		require.NoError(t, err)
	}
	for i := range 50 {
		s := newSession("ada", i)
		s.Created = noon.Add(time.Minute)
		_, err := store.Start(t.Context(), s, session.Replace{})
		require.NoError(t, err)
	}
	for _, id := range ids {
		_, err := store.Get(t.Context(), id)
		require.ErrorIs(t, err, session.ErrNotFound)
	}
	sessions, err := store.List(t.Context(), "ada")
	require.NoError(t, err)
	assert.Len(t, sessions, 50)
}

func TestSweepStopsWhenTheContextIsDone(t *testing.T) {
	store := memstore.New()
	fill(t, store, 10, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	swept, err := store.Sweep(ctx, noon.Add(1000*time.Hour))
	assert.ErrorIs(t, err, context.Canceled)
	assert.Zero(t, swept)
	swept, err = store.Sweep(t.Context(), noon.Add(1000*time.Hour))
	require.NoError(t, err)
	assert.Equal(t, session.Swept{Forgotten: 10}, swept)
}

// What a caller does with what it gave or got changes nothing in the store.
func TestDetailIsCopied(t *testing.T) {
	store := memstore.New()
	id := fill(t, store, 1, 1)[0]
	detail := []byte(`{"a":1}`)
	_, err := store.End(t.Context(), id, session.Ending{Detail: detail, Keep: noon.Add(time.Hour)})
	require.NoError(t, err)
	copy(detail, "xxxxxxx")
	for range 2 {
		var ended *session.EndedError
		_, err = store.Get(t.Context(), id)
		require.ErrorAs(t, err, &ended)
		assert.Equal(t, `{"a":1}`, string(ended.Ending.Detail))
		copy(ended.Ending.Detail, "yyyyyyy")
	}
}

// Session.Validate allows every time that 64 bits of nanoseconds can say, also the one
// that a zero would be.
func TestTimesAroundTheEpoch(t *testing.T) {
	for _, at := range []time.Time{time.Unix(0, 0), time.Unix(0, 1), time.Unix(0, -1), time.Unix(0, math.MaxInt64), time.Unix(0, math.MinInt64+1)} {
		store, s := memstore.New(), newSession("ada", 0)
		s.Created, s.LastSeen, s.Expires, s.AuthTime = at.UTC(), at.UTC(), at.UTC(), at.UTC()
		_, err := store.Start(t.Context(), s, session.Replace{})
		require.NoError(t, err)
		read, err := store.Get(t.Context(), s.ID)
		require.NoError(t, err)
		assert.Equal(t, s, read)
	}
}
