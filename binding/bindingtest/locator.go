package bindingtest

import (
	"context"
	"errors"
	"net/netip"
	"sync/atomic"

	"github.com/mooring-go/mooring/binding"
)

// Locator is a [binding.Locator] over tables in memory. The longest prefix that
// holds an address is the one that counts. The zero value knows nothing. It is
// safe for concurrent use while nobody changes the tables.
type Locator struct {
	ASNs       map[netip.Prefix]binding.ASN // Network is filled in with the prefix
	Geos       map[netip.Prefix]binding.Geo
	Generation string
}

// Locate finds what the tables know of ip.
func (l Locator) Locate(_ context.Context, ip netip.Addr) (binding.Location, error) {
	if !ip.IsValid() {
		return binding.Location{}, binding.ErrNoAddress
	}
	ip = binding.Normalize(ip)
	location := binding.Location{IP: ip, Generation: l.Generation}
	if asn, network, ok := longest(l.ASNs, ip); ok {
		asn.Network = network
		location.ASN = &asn
	}
	if geo, _, ok := longest(l.Geos, ip); ok {
		location.Geo = &geo
	}
	return location, nil
}

// longest finds the longest prefix in table that holds ip.
func longest[T any](table map[netip.Prefix]T, ip netip.Addr) (facts T, prefix netip.Prefix, ok bool) {
	for bits := ip.BitLen(); bits >= 0 && !ok; bits-- {
		prefix, _ = ip.Prefix(bits)
		facts, ok = table[prefix]
	}
	return facts, prefix, ok
}

// ErrUnavailable is the error of a [Failing] locator that has no other.
var ErrUnavailable = errors.New("bindingtest: locator unavailable")

// Failing is a [binding.Locator] that cannot look.
type Failing struct{ Err error } // nil: ErrUnavailable

// Locate fails.
func (f Failing) Locate(context.Context, netip.Addr) (binding.Location, error) {
	if f.Err == nil {
		return binding.Location{}, ErrUnavailable
	}
	return binding.Location{}, f.Err
}

// Counter is a [binding.Locator] that counts how often another is asked. It is
// safe for concurrent use if that is.
type Counter struct {
	Locator binding.Locator
	calls   atomic.Int64
}

// Locate asks the other locator.
func (c *Counter) Locate(ctx context.Context, ip netip.Addr) (binding.Location, error) {
	c.calls.Add(1)
	return c.Locator.Locate(ctx, ip)
}

// Calls is how often Locate was called.
func (c *Counter) Calls() int { return int(c.calls.Load()) }
