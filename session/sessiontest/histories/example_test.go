package histories_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
	"github.com/mooring-go/mooring/session/sessiontest/histories"
)

// A store's own tests have two like these.
func Example() {
	open := func(*testing.T) session.Store { return memstore.New() }
	_ = func(t *testing.T) { histories.RunModel(t, open) }
	_ = func(t *testing.T) { histories.RunLinearizable(t, open) }
	// Output:
}

func ExampleCheckLinearizable() {
	_, err := histories.CheckLinearizable(context.Background(), memstore.New())
	fmt.Println(err)
	// Output: <nil>
}
