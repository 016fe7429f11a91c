package memstore_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// perUser is how many sessions each user has in the benchmarks.
const perUser = 2

// atSizes runs the benchmark on stores of several sizes: it should cost the
// same in all of them.
func atSizes(b *testing.B, run func(b *testing.B, store *memstore.Store, ids []session.ID)) {
	for _, n := range []int{2, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("sessions=%d", n), func(b *testing.B) {
			store := memstore.New()
			ids := fill(b, store, n, perUser)
			runtime.GC()
			b.ReportAllocs()
			b.ResetTimer()
			run(b, store, ids)
		})
	}
}

func check(b *testing.B, err error) {
	if err != nil {
		b.Fatal(err)
	}
}

func BenchmarkGet(b *testing.B) {
	atSizes(b, func(b *testing.B, store *memstore.Store, ids []session.ID) {
		ctx := b.Context()
		for b.Loop() {
			_, err := store.Get(ctx, ids[rand.IntN(len(ids))])
			check(b, err)
		}
	})
}

func BenchmarkTouch(b *testing.B) {
	atSizes(b, func(b *testing.B, store *memstore.Store, ids []session.ID) {
		ctx, now := b.Context(), noon
		for b.Loop() {
			now = now.Add(time.Microsecond)
			check(b, store.Touch(ctx, ids[rand.IntN(len(ids))], session.Seen{Time: now, IP: anchor.IP}))
		}
	})
}

func BenchmarkStart(b *testing.B) {
	atSizes(b, func(b *testing.B, store *memstore.Store, ids []session.ID) {
		ctx, i := b.Context(), 0
		for b.Loop() {
			i++
			_, err := store.Start(ctx, newSession(userName(i%len(ids)), i), session.Replace{Max: perUser})
			check(b, err)
		}
	})
}

// BenchmarkStartOthers signs a user in who has two sessions, which end.
func BenchmarkStartOthers(b *testing.B) {
	atSizes(b, func(b *testing.B, store *memstore.Store, ids []session.ID) {
		ctx, i := b.Context(), 0
		ending := session.Ending{Keep: noon} // the next Starts forget it
		for b.Loop() {
			i++
			s := newSession(userName(rand.IntN(len(ids)/perUser)), i)
			_, err := store.Start(ctx, s, session.Replace{Others: true, Ending: ending})
			check(b, err)
		}
	})
}

// BenchmarkEndUser ends the sessions of a user and starts them again.
func BenchmarkEndUser(b *testing.B) {
	atSizes(b, func(b *testing.B, store *memstore.Store, ids []session.ID) {
		ctx := b.Context()
		for b.Loop() {
			user := userName(rand.IntN(len(ids) / perUser))
			ended, err := store.EndUser(ctx, user, session.ID{}, session.Ending{Cause: session.CauseRevoked, Keep: noon})
			check(b, err)
			for _, s := range ended {
				s.ID = session.NewToken(user).ID()
				_, err := store.Start(ctx, s, session.Replace{}) // forgets the ending
				check(b, err)
			}
		}
	})
}

func BenchmarkList(b *testing.B) {
	atSizes(b, func(b *testing.B, store *memstore.Store, ids []session.ID) {
		ctx := b.Context()
		for b.Loop() {
			sessions, err := store.List(ctx, userName(rand.IntN(len(ids)/perUser)))
			check(b, err)
			if len(sessions) != perUser {
				b.Fatal(len(sessions))
			}
		}
	})
}

// BenchmarkMixed is the load of an application: of 1000 requests all are read,
// 50 are recorded, 3 sign in and out, 1 lists. Compare -cpu 1,2.
func BenchmarkMixed(b *testing.B) {
	store := memstore.New()
	const n = 100_000
	ids := fill(b, store, n, perUser)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		ctx := b.Context()
		for pb.Next() {
			i := rand.IntN(n)
			_, err := store.Get(ctx, ids[i])
			check(b, err)
			switch k := rand.IntN(1000); {
			case k < 50:
				check(b, store.Touch(ctx, ids[i], session.Seen{Time: noon, IP: anchor.IP}))
			case k < 53:
				s := newSession(userName(i/perUser), i)
				_, err := store.Start(ctx, s, session.Replace{})
				check(b, err)
				_, err = store.End(ctx, s.ID, session.Ending{Cause: session.CauseSignedOut, Keep: noon})
				check(b, err)
			case k < 54:
				_, err := store.List(ctx, userName(i/perUser))
				check(b, err)
			}
		}
	})
}

// BenchmarkMemory reports what a session costs in a store of a million.
func BenchmarkMemory(b *testing.B) {
	for _, perUser := range []int{1, 2} {
		b.Run(fmt.Sprintf("per_user=%d", perUser), func(b *testing.B) {
			const n = 1_000_000
			for b.Loop() {
				store, before := memstore.New(), footprint()
				for i := range n {
					_, err := store.Start(b.Context(), newSession(userName(i/perUser), i), session.Replace{})
					check(b, err)
				}
				b.ReportMetric(float64(footprint()-before)/n, "bytes/session")
				runtime.KeepAlive(store)
			}
		})
	}
}

// BenchmarkSweep forgets a million sessions, and reports how long the slowest
// Get meanwhile waited.
func BenchmarkSweep(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		store := memstore.New()
		ids := fill(b, store, 1_000_000, perUser)
		runtime.GC()
		var swept atomic.Bool
		waits := make(chan []time.Duration)
		go func() {
			var all []time.Duration
			for !swept.Load() {
				start := time.Now()
				_, _ = store.Get(b.Context(), ids[rand.IntN(len(ids))])
				all = append(all, time.Since(start))
			}
			waits <- all
		}()
		b.StartTimer()
		forgotten, err := store.Sweep(b.Context(), noon.Add(1000*time.Hour))
		b.StopTimer()
		check(b, err)
		if forgotten.Forgotten != len(ids) {
			b.Fatal(forgotten)
		}
		swept.Store(true)
		all := <-waits
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)-1].Microseconds()), "µs-slowest-get")
		b.ReportMetric(float64(all[len(all)*9999/10000].Nanoseconds())/1000, "µs-p99.99-get")
		b.StartTimer()
	}
}
