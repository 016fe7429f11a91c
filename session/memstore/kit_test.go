package memstore_test

import (
	"testing"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
	"github.com/mooring-go/mooring/session/sessiontest"
)

func TestStoreKeepsTheContract(t *testing.T) {
	sessiontest.RunStore(t, func(*testing.T) session.Store { return memstore.New() })
}
