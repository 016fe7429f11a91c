package redisstore_test

import (
	"testing"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sessiontest"
)

func TestStore(t *testing.T) {
	client := shared(t)
	sessiontest.RunStore(t, func(t *testing.T) session.Store {
		store, _ := open(t, client)
		return store
	})
}

func TestStoreInCluster(t *testing.T) {
	t.Parallel()
	client := cluster(t)
	sessiontest.RunStore(t, func(t *testing.T) session.Store {
		store, _ := open(t, client)
		return store
	})
}
