// Package crash holds tests alone: it kills processes with SIGKILL while they
// sign users in and end sessions, and checks that what a store had confirmed
// before is in the store, with its ending in the journal, and that nothing that
// ended lives. So it does with a Redis server of its own that writes to disk what
// it confirms.
//
// Servers are found as in package integration. MOORING_CRASH_ROUNDS is how often
// a process is killed for each store; a few times if it is not set.
package crash
