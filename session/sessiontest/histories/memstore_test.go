package histories_test

import (
	"testing"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
	"github.com/mooring-go/mooring/session/sessiontest/histories"
)

func open(*testing.T) session.Store { return memstore.New() }

func TestModel(t *testing.T) { histories.RunModel(t, open) }

func TestLinearizable(t *testing.T) { histories.RunLinearizable(t, open) }
