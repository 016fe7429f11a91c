// Package bindingtest has a [binding.Locator] and small databases for the tests
// of programs that bind sessions to networks and places.
//
// # Addresses
//
// Every address is one of those that are reserved for documentation, so that
// none means anything in a real network. [Berlin], [Munich] and the others are
// chosen for what they share with Berlin; 203.0.113.0/24 is left for a host's own
// use.
//
// # Locators and files
//
// [Places] locates the addresses in memory. [ASNFile] and [CityFile] have the same
// facts in the format of MaxMind's databases, which package binding/maxmind reads.
// [Later] is the same world a release later.
//
// # What stays compatible
//
// Addresses keep their facts. A later release may add addresses outside of
// 203.0.113.0/24.
package bindingtest

//go:generate go -C generate run . ../files
