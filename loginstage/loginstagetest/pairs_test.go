package loginstagetest_test

import (
	"os"
	"testing"

	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

func TestPairsInMemory(t *testing.T) {
	pairs := loginstagetest.Pairs{
		Open: func(*testing.T) session.Store { return memstore.New() }, Switches: 1, Races: 1, Parallel: 2,
	}
	if os.Getenv("MOORING_LONG") == "1" {
		pairs.Switches, pairs.Races = 4, 20
	}
	pairs.Run(t)
}
