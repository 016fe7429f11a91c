// Package duration reads and writes lengths of time the way an operator writes
// them in a configuration: "hours=1,minutes=2.5".
//
// # Grammar
//
//	duration = pair *( sep pair )
//	sep      = "," / ";"                 ; one kind in one string
//	pair     = *space key *space "=" *space value *space
//	key      = "microseconds" / "milliseconds" / "seconds" / "minutes"
//	         / "hours" / "days" / "weeks" ; in any case, each at most once
//	value    = [ sign ] ( 1*digit [ "." *digit ] / "." 1*digit ) [ ( "e" / "E" ) [ sign ] 1*digit ]
//	sign     = "+" / "-"
//	space    = SP / HTAB / CR / LF
//
// A day has 24 hours and a week 7 days; calendars and time zones play no part.
//
// # Exactness
//
// The pairs are added up exactly, with no floating point, and only their sum is
// rounded: to the nearest nanosecond, half away from zero. So "seconds=0.1" is
// 100 ms, a pair may be past the range of [time.Duration] as long as the sum is
// within it, and "hours=1e-400" is 0.
//
// # Limits
//
// Work and memory are bounded whatever the input: a string is at most 1024 bytes
// long, and an exponent has at most 18 digits after its leading zeros. Within
// these limits nothing is approximated.
//
// # Canonical form
//
// [Duration.String] writes the shortest of these, which [Parse] reads back as
// the same value:
//
//   - one pair with an exact decimal value, for each unit that has one:
//     "hours=1.5", "days=30";
//   - whole numbers, largest unit first, zero parts left out, with nanoseconds as
//     decimals of the microseconds: "weeks=9,microseconds=1".
//
// Among equally short ones, one of whole numbers only goes first, then one whose
// largest unit is larger. Every pair of a negative duration carries the sign, and
// zero is "seconds=0".
//
// # What stays compatible
//
// What Parse reads, and what String writes, is read by later releases as the same
// value. A later release may write another canonical form, and may know more keys.
package duration
