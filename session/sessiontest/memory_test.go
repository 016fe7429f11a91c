package sessiontest_test

import (
	"testing"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sessiontest"
)

func TestJournalKeepsTheContract(t *testing.T) {
	sessiontest.RunStore(t, func(*testing.T) session.Store { return sessiontest.NewJournal() })
}
