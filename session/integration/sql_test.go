package integration

import (
	"testing"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sessiontest"
)

func TestSQLStoreKeepsTheContract(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		t.Parallel()
		db := e.open(t)
		sessiontest.RunStore(t, func(t *testing.T) session.Store {
			store, _ := e.store(t, db)
			return store
		})
	})
}
