// Package binding decides whether a session that was made at one place on the
// network may go on at another: session binding, the field's answer to session
// hijacking with a stolen cookie.
//
// A [Locator] says what is known of an address, as a [Location]: who announces it
// (ASN facts) and where it is (GeoIP facts). A [Policy] says which of those facts must
// still hold, and [Policy.Check] compares two locations under it and returns nil, or
// a [Broken] that says exactly what no longer holds.
//
// The package is pure: it does no I/O, reads no clock and keeps no state. Package
// binding/maxmind has a Locator over GeoLite2 and GeoIP2 files, package
// binding/clientip finds the address of a request's client, and package
// binding/bindingtest has a Locator for tests.
//
// # Levels and reasons
//
// Each level asks for what the levels before it ask for. Check stops at the first
// reason, in this order, the network before the place:
//
//	bind_asn                     network.missing, network.asn
//	bind_asn_network             …, network.asn_network
//	bind_asn_network_ip          …, network.ip
//	bind_continent               geoip.missing, geoip.continent
//	bind_continent_country       …, geoip.country
//	bind_continent_country_city  …, geoip.city
//
// # What is unknown
//
// Unknown is not equal. Where either side has no record, or a record without a fact
// that the level asks for (a number, a prefix, a continent, a country), the reason is
// network.missing or geoip.missing. A city is the exception: half of all announced
// addresses have none, and two places without a city are equal.
//
// [Tolerance] says what may differ or be unknown all the same, and what an attacker
// gains by it.
//
// # What is done
//
// [Actions] says what is done by reason, and [Policy.Explain] why, fact by fact, in a
// form that an event carries and that can be decided again. [Balanced], [Relaxed],
// [Strict] and [Proven] are policies to begin with.
//
// Network and place cannot tell the user from a thief beside them; a key that cannot
// leave the device can. [Prove] asks the device. A session that has no key is decided
// by [Policy.WithoutKey].
//
// A session moves more than once. [Policy.Follow] is Check with the session's [Drift]:
// the anchor of the other address family, and how often it has moved. The guard and the
// simulator both decide by it.
//
// # What stays compatible
//
// Names of levels, reasons, actions and rules, and the JSON of each type, are read by
// later releases. A later release may add a reason, a level or a field to a struct.
// [Locator] does not grow: what a locator may offer besides is an interface of its own,
// as [Coverer] and [Ager] are.
package binding
