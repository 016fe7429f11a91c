package gorillacarrier_test

import (
	"testing"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/gorillacarrier"
	"github.com/mooring-go/mooring/session/sessiontest"
)

func TestCarrierContract(t *testing.T) {
	for what, open := range fixtures {
		t.Run(what, func(t *testing.T) {
			sessiontest.RunCarrier(t, func(t *testing.T) session.Carrier {
				return gorillacarrier.New(open(t).store, gorillacarrier.Options{})
			})
		})
	}
}
