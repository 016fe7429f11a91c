package loginstagetest_test

import (
	"testing"

	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

func TestPairsInMemory(t *testing.T) {
	loginstagetest.Pairs{
		Open: func(*testing.T) session.Store { return memstore.New() }, Switches: 2, Races: 2, Parallel: 2,
	}.Run(t)
}
