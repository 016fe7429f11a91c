package sessiontest_test

import (
	"testing"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
	"github.com/mooring-go/mooring/session/sessiontest"
)

// A store's own package has a test like this one.
func ExampleRunStore() {
	_ = func(t *testing.T) {
		sessiontest.RunStore(t, func(*testing.T) session.Store { return memstore.New() })
	}
	// Output:
}

// A carrier's own package has a test like this one.
func ExampleRunCarrier() {
	_ = func(t *testing.T) {
		sessiontest.RunCarrier(t, func(*testing.T) session.Carrier { return session.Cookie{} })
	}
	// Output:
}
