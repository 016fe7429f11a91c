package binding

import (
	"context"
	"errors"
	"net/netip"
)

// ErrNoAddress is returned for an address that is the zero [netip.Addr], which
// is what a client's address is when it could not be found out.
var ErrNoAddress = errors.New("binding: no IP address")

// A Locator finds out what is known of an address. Implementations are safe for
// concurrent use.
//
// Knowing nothing is not an error: Locate then returns a Location with the IP
// and nil facts. An error means that the Locator could not look (a broken
// file, a service that does not answer), and that nothing may be concluded
// about the address. The zero address is [ErrNoAddress].
type Locator interface {
	Locate(ctx context.Context, ip netip.Addr) (Location, error)
}

// A Coverer is a [Locator] that can tell beforehand whether it can know the
// facts that a policy asks for. Covers returns nil if it can, and otherwise an
// error that says what is missing.
type Coverer interface {
	Covers(p Policy) error
}

// An Ager is a [Locator] whose data grows old. Stale returns nil while it is as
// fresh as it is meant to be, and otherwise an error that says why it is not. It
// answers at once.
type Ager interface {
	Stale() error
}
