// Package maxmind locates addresses with databases in MaxMind's format:
// GeoLite2, GeoIP2 and those of other makers that are laid out like them.
//
// A file is read whole into memory and never mapped, so overwriting, truncating
// or deleting it does no harm to a running program. [DB.Reload] and [DB.Watch]
// take newer files into use while others look up: a file that cannot be used
// leaves the one before in place. There is nothing to close.
//
// # Costs
//
// A DB holds each file once, and twice while it is replaced. Facts that were
// looked up are kept and shared, at most 32,768 networks and as many places of
// each pair of files: up to 20 MB where places have names in eight languages, and
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
// Replace files by renaming the new one over the old one. A file that is
// rewritten in place is refused when it changes while it is read.
package maxmind
