package loginstage_test

import (
	"context"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
)

// A locator in memory answers at once, so there is nothing to bound.
func TestALocatorInMemoryIsNotBounded(t *testing.T) {
	for _, test := range []struct {
		name    string
		locator func(seen *notedLocator) binding.Locator
		bound   bool
	}{
		{"in memory", func(seen *notedLocator) binding.Locator { return notedInMemory{seen} }, false},
		{"elsewhere", func(seen *notedLocator) binding.Locator { return seen }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			seen := &notedLocator{Locator: bindingtest.Places()}
			_, browser := open(t, loginstage.Config{GeoIPBinding: binding.GeoIPCountry, Locator: test.locator(seen)})
			signIn(t, browser, "ada")
			assert.Equal(t, test.bound, seen.deadline)
		})
	}
}

// notedLocator notes whether there is a deadline.
type notedLocator struct {
	binding.Locator
	deadline bool
}

func (n *notedLocator) Locate(ctx context.Context, ip netip.Addr) (binding.Location, error) {
	_, n.deadline = ctx.Deadline()
	return n.Locator.Locate(ctx, ip)
}

type notedInMemory struct{ *notedLocator }

func (notedInMemory) InMemory() {}
