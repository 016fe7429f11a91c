package benchmarks

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	scsmemstore "github.com/alexedwards/scs/v2/memstore"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// each user has the given number of sessions.
const perUser = 2

func userOf(i int) string { return fmt.Sprintf("user-%08d", i/perUser) }

// makeSession returns a maker of sessions as a sign-in makes them: strings of
// their own, and facts of the anchor that all who were there share.
func makeSession(tb testing.TB) func(i int) session.Session {
	anchor, err := bindingtest.Places().Locate(tb.Context(), bindingtest.Berlin)
	require.NoError(tb, err)
	now := time.Now().UTC()
	return func(i int) session.Session {
		u := userOf(i)
		return session.Session{
			ID: session.NewToken(u).ID(), User: u, Name: "Name of " + u, Method: "password", Stage: "login",
			Created: now, LastSeen: now, Expires: now.Add(12 * time.Hour),
			IP: anchor.IP, Anchor: anchor, Policy: everything,
			UserAgent: fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64; rv:%[1]d.0) Gecko/20100101 Firefox/%[1]d.0", i%200),
		}
	}
}

// fill starts n sessions and returns their IDs.
func fill(tb testing.TB, store session.Store, n int) []session.ID {
	newSession := makeSession(tb)
	ids := make([]session.ID, n)
	for i := range n {
		s := newSession(i)
		ids[i] = s.ID
		_, err := store.Start(tb.Context(), s, session.Replace{})
		require.NoError(tb, err)
	}
	return ids
}

// footprint returns how many bytes of memory are in use.
func footprint() float64 {
	runtime.GC()
	runtime.GC() // the first finds what weak pointers held
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc)
}

// BenchmarkMemory reports what a session takes in a memory store of a million.
func BenchmarkMemory(b *testing.B) {
	const n = 1_000_000
	b.Run("mooring", func(b *testing.B) {
		for b.Loop() {
			before, store := footprint(), memstore.New()
			newSession := makeSession(b)
			for i := range n {
				_, err := store.Start(b.Context(), newSession(i), session.Replace{})
				require.NoError(b, err)
			}
			b.ReportMetric((footprint()-before)/n, "bytes/session")
			runtime.KeepAlive(store)
		}
	})
	b.Run("scs", func(b *testing.B) { // without an index by user, which it has not
		for b.Loop() {
			before, store := footprint(), scsmemstore.NewWithCleanupInterval(0)
			for range n {
				data, err := scs.GobCodec{}.Encode(time.Now().Add(time.Hour), remembered)
				require.NoError(b, err)
				require.NoError(b, store.Commit(session.NewToken(user).Secret(), data, time.Now().Add(time.Hour)))
			}
			b.ReportMetric((footprint()-before)/n, "bytes/session")
			runtime.KeepAlive(store)
		}
	})
}

// BenchmarkEndOthers is a sign-in that ends the user's other session, in stores of
// several sizes; it should cost the same in all. As many users sign in in all of
// them, over and over, spread over the store, so that each sign-in has the same
// to do.
func BenchmarkEndOthers(b *testing.B) {
	const users = 5_000
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("mooring/sessions=%d", n), func(b *testing.B) {
			store := memstore.New()
			fill(b, store, n)
			newSession := makeSession(b)
			signIn := func(s session.Session) {
				_, err := store.Start(b.Context(), s, session.Replace{Others: true, Ending: session.Ending{Keep: s.Created}})
				if err != nil {
					b.Fatal(err)
				}
			}
			started := make([]session.Session, b.N)
			for i := range started {
				started[i] = newSession(i % users * (n / users))
			}
			for i := range users { // each has one session from here on
				signIn(newSession(i * (n / users)))
			}
			runtime.GC()
			b.ReportAllocs()
			b.ResetTimer()
			for _, s := range started {
				signIn(s)
			}
		})
	}
	for _, n := range []int{10_000, 100_000} { // a million takes half a minute
		b.Run(fmt.Sprintf("scs/sessions=%d", n), func(b *testing.B) {
			manager := scs.New()
			manager.Store = scsmemstore.NewWithCleanupInterval(0)
			for i := range n {
				data, err := scs.GobCodec{}.Encode(time.Now().Add(time.Hour), map[string]any{"user": userOf(i)})
				require.NoError(b, err)
				require.NoError(b, manager.Store.Commit(fmt.Sprint(i), data, time.Now().Add(time.Hour)))
			}
			b.ResetTimer()
			for range b.N {
				found := 0
				err := manager.Iterate(b.Context(), func(ctx context.Context) error {
					if manager.GetString(ctx, "user") == userOf(n/2) {
						found++
					}
					return nil
				})
				require.NoError(b, err)
				require.Equal(b, perUser, found)
			}
		})
	}
}
