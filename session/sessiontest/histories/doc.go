// Package histories checks any [session.Store] with histories that nobody
// thought of. [RunModel] makes random steps one after the other, and
// [RunLinearizable] makes them from several goroutines at once; what the store
// answers must be what a small model of the contract answers, for the latter in
// some order that agrees with which step was over before which began.
//
// [RunBounded] is for caches in front of a store: what they say of a live session may
// be behind by a bound, and no more.
//
// Use it beside package sessiontest, whose rules name each promise and say which one
// is broken.
//
// # Tools
//
// Package pgregory.net/rapid makes the histories of RunModel and shortens those
// that fail; its flags, such as -rapid.checks, -rapid.steps and -rapid.seed,
// apply. Package github.com/anishathalye/porcupine searches for the order.
//
// # What is left out
//
// Not in the histories is what the contract leaves open: two sessions of a user
// that were made at the same instant, steps at instants beyond which a store
// may forget by a clock of its own, and, at once with others, a session that
// replaces another user's.
//
// # What stays compatible
//
// A later release may make other histories, so a store that passes today may fail then,
// by a mistake that it has today.
package histories
