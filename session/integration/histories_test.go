package integration

import (
	"flag"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/redisbase"
	"github.com/mooring-go/mooring/session/sessiontest/histories"
)

// TestMain has histories be fewer than in memory, but for the long version: each step is
// a round trip. The flag of package rapid says otherwise.
func TestMain(m *testing.M) {
	if !long() {
		if err := flag.Set("rapid.checks", "30"); err != nil {
			panic(err)
		}
	}
	m.Run()
}

// eachStore runs the test on an empty store in each dialect, and in Redis, in parallel.
func eachStore(t *testing.T, test func(*testing.T, func(*testing.T) session.Store)) {
	eachHeavy(t, func(t *testing.T, e engine) {
		test(t, func(t *testing.T) session.Store {
			store, _ := e.store(t, e.open(t))
			return store
		})
	})
	t.Run("Redis", func(t *testing.T) {
		t.Parallel()
		test(t, func(t *testing.T) session.Store {
			store, _ := inRedis(t, &redis.Options{Addr: redisAddr()})
			return store
		})
	})
	t.Run("Redis with indexes by tenant", func(t *testing.T) {
		t.Parallel()
		test(t, func(t *testing.T) session.Store {
			store, _ := inRedis(t, &redis.Options{Addr: redisAddr()})
			redisbase.IndexFrom(store, 0) // or no history has as many sessions
			return store
		})
	})
	if long() { // TestHistoriesOfTwoClients has some of it
		t.Run("Redis through rueidis", func(t *testing.T) {
			t.Parallel()
			test(t, func(t *testing.T) session.Store {
				_, store := inBoth(t, redisAddr())
				return store
			})
		})
	}
}

// Processes with go-redis and processes with rueidis share the sessions of a server: what
// both do at once is made at one instant each.
func TestHistoriesOfTwoClients(t *testing.T) {
	t.Parallel()
	histories.RunBounded(t, func(t *testing.T) []session.Store {
		one, other := inBoth(t, redisAddr())
		return []session.Store{one, other}
	}, 0)
}

func TestHistoriesAgreeWithTheModel(t *testing.T) { eachStore(t, histories.RunModel) }

func TestHistoriesAreLinearizable(t *testing.T) { eachStore(t, histories.RunLinearizable) }
