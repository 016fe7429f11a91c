package integration

import (
	"testing"

	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
)

// Every two steps of a stage meet on each store. What a stage makes of the steps of its
// store is tried in every order in memory; here they meet as they do in a server: some
// pairs each time, and all in the long version.
func TestPairsOfSteps(t *testing.T) {
	eachStore(t, func(t *testing.T, open func(*testing.T) session.Store) {
		pairs := loginstagetest.Pairs{Open: open, Switches: -1, Races: 2, Parallel: 8, Sample: 60}
		if long() {
			pairs.Switches, pairs.Races, pairs.Sample = 1, 10, 0
		}
		pairs.Run(t)
	})
}
