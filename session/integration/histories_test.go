package integration

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sessiontest/histories"
)

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
}

func TestHistoriesAgreeWithTheModel(t *testing.T) { eachStore(t, histories.RunModel) }

func TestHistoriesAreLinearizable(t *testing.T) { eachStore(t, histories.RunLinearizable) }
