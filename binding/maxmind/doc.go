// Package maxmind locates addresses with databases in MaxMind's format (MMDB):
// GeoLite2, GeoIP2 and those of other makers that are laid out like them.
//
// [Open] reads files, and takes newer ones into use while the program runs.
// [FromReaders] is for hosts that have a [github.com/oschwald/geoip2-golang/v2.Reader]
// open already; it finds the same facts, and each lookup costs about ten times as much.
//
// # Files
//
// A file is read whole into memory and never mapped, so overwriting, truncating
// or deleting it does no harm to a running program. [DB.Reload] and [DB.Watch]
// take newer files into use while others look up: a file that cannot be used
// leaves the one before in place. There is nothing to close.
//
// Replace files by renaming the new one over the old one. A file that is
// rewritten in place is refused when it changes while it is read.
//
// # What a database covers
//
// What a database covers is found out from its records, whatever its type says. They are read by these
// fields, which GeoLite2, GeoIP2, the MMDB files of DB-IP and others have:
//
//	autonomous_system_number, autonomous_system_organization
//	continent.code, continent.geoname_id, continent.names
//	country.iso_code, country.geoname_id, country.names
//	city.geoname_id, city.names
//	subdivisions.iso_code, subdivisions.names   (of a city without a GeoName ID)
//	location.latitude, location.longitude
//
// A database without any continent covers no level of GeoIP binding, because each
// includes the continent. One whose records are flat, as those of IPinfo are, is
// [ErrLayout], or a [*FactsError]; the example "own layout" is a locator for it.
//
// An address behind a NAT64 translator, in 64:ff9b::/96 (RFC 6052), has the facts of
// the IPv4 address that it stands for.
//
// # Costs
//
// A DB holds each file once, and twice while it is replaced. Facts that were
// looked up are kept and shared, at most 32,768 networks, as many places, and as many
// continents, countries and cities of each pair of files: up to 25 MB where places have names in eight languages, and
// less than one where few are looked up. Locate then allocates nothing.
//
// Before a file is taken into use, its metadata is read, its content hashed
// (SHA-256), and 1,280 addresses spread over IPv4 and IPv6 are looked up and
// their records decoded: some milliseconds, and for a City file of 66 MB a tenth
// of a second for reading and hashing. That finds a file that is cut short or
// damaged all over, and may miss a single damaged record, which is an error when
// it is looked up. [Config.VerifyFully] finds every damage, and takes about 4
// seconds and 2 GB of garbage for such a file.
//
// # What stays compatible
//
// A Generation is text to compare and not to parse; a later release may make another
// one of the same files, and the guard then locates each anchor once more. A later
// release may read more fields and more layouts.
package maxmind
