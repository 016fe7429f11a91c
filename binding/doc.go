// Package binding decides whether a session that was made at one place on the
// network may go on at another.
//
// A [Locator] says what is known of an address, as a [Location]: who announces
// it (ASN facts) and where it is (GeoIP facts). A [Policy] says which of those
// facts must still hold, and [Policy.Check] compares two locations under it and
// returns nil, or a [Broken] that says exactly what no longer holds.
//
// The package is pure: it does no I/O, reads no clock and keeps no state.
// Package binding/maxmind has a Locator over GeoLite2 and GeoIP2 files,
// package binding/clientip finds the address of a request's client, and package
// binding/bindingtest has a Locator for tests.
package binding
