// Package replay finds out what policies would have done to sessions: it leads
// each session from place to place under many policies at once, each decided by
// binding.Policy.Follow, which the guard decides by too.
//
// A session that a policy ends is signed in to again where it was used from, and
// one that it restricts is confirmed there: both go on from there, bound to it. One
// that has to prove its device key does, which is counted, and goes on as it was.
package replay
