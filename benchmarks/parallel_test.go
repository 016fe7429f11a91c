package benchmarks

import (
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// BenchmarkMixed is the load of an application on the memory store: of 1000
// requests all are read, 50 recorded, 3 sign in and out, 1 lists. It is run with
// -cpu 1,2.
func BenchmarkMixed(b *testing.B) {
	const n = 100_000
	store := memstore.New()
	ids, newSession := fill(b, store, n), makeSession(b)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		ctx := b.Context()
		for pb.Next() {
			i := rand.IntN(n)
			s, err := store.Get(ctx, ids[i])
			switch k := rand.IntN(1000); {
			case err != nil:
			case k < 50:
				err = store.Touch(ctx, ids[i], session.Seen{Time: s.LastSeen.Add(1), IP: s.IP})
			case k < 53:
				started := newSession(i)
				if _, err = store.Start(ctx, started, session.Replace{}); err == nil {
					_, err = store.End(ctx, started.ID, session.Ending{Cause: session.CauseSignedOut, Keep: started.Created})
				}
			case k < 54:
				_, err = store.List(ctx, userOf(i))
			}
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkSweep forgets a million sessions, and reports how long the slowest Get
// took meanwhile, beside the slowest while a processor is busy with nothing.
func BenchmarkSweep(b *testing.B) {
	const n = 1_000_000
	var sweeping, idling waits
	for b.Loop() {
		b.StopTimer()
		store, ids, over := expiring(b, n)
		get := func() { _, _ = store.Get(b.Context(), ids[rand.IntN(n)]) }

		// The collector would take its share of the processors, and who waits for
		// one waits for that, not for the store.
		runtime.GC()
		collect := debug.SetGCPercent(-1)
		idling.during(get, func() { busy(time.Second / 2) })
		time.Sleep(time.Until(over)) // a store goes by its own clock, whatever Sweep is told
		sweeping.during(get, func() {
			b.StartTimer()
			swept, err := store.Sweep(b.Context(), time.Now().UTC())
			b.StopTimer()
			require.NoError(b, err)
			require.Equal(b, n, swept.Forgotten)
		})
		debug.SetGCPercent(collect)
		b.StartTimer()
	}
	sweeping.report(b, "")
	idling.report(b, "-idle")
}

// expiring returns a store with n sessions, their IDs, and when all of them expire: a
// while after the last one was started, by what a hundredth of them took.
func expiring(b *testing.B, n int) (*memstore.Store, []session.ID, time.Time) {
	begun := time.Now()
	fill(b, memstore.New(), n/100)
	over := time.Now().UTC().Add(150*time.Since(begun) + 2*time.Second)

	store, newSession, ids := memstore.New(), makeSession(b), make([]session.ID, n)
	for i := range ids {
		s := newSession(i)
		s.Expires = over
		_, err := store.Start(b.Context(), s, session.Replace{})
		require.NoError(b, err)
		ids[i] = s.ID
	}
	return store, ids, over
}
