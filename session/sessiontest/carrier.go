package sessiontest

import (
	"slices"
	"testing"

	"github.com/mooring-go/mooring/session"
)

// RunCarrier checks that the carriers that open returns keep the contract of
// [session.Carrier], in a cookie. Each call of open is for one subtest.
//
// The kit plays a browser on https that sends every cookie that it was given.
// For a carrier that uses no cookie there is [RunCarrierWith].
func RunCarrier(t *testing.T, open func(*testing.T) session.Carrier) {
	run(t, slices.Concat(carrierRules, cookieRules), carrying(open, NewBrowser))
}

// RunCarrierWith is RunCarrier for a carrier of another kind than a cookie,
// whose clients are as newClient makes them. What only cookies have is not
// checked.
func RunCarrierWith(t *testing.T, open func(*testing.T) session.Carrier, newClient func() Client) {
	run(t, carrierRules, carrying(open, newClient))
}

func carrying(open func(*testing.T) session.Carrier, newClient func() Client) func(*testing.T) *carrierFixture {
	return func(t *testing.T) *carrierFixture { return newCarrierFixture(t, open(t), newClient) }
}
