// Package memstore keeps sessions in the memory of one process: the embedded
// default, with nothing to install and nothing to wait for.
//
// Sessions are gone when the process is, and other processes do not see them.
// A host with more than one process, or whose users should stay signed in
// over a restart, needs a store outside of it: session/sqlstore or
// session/redisstore.
//
// # Costs
//
// A session costs about 500 bytes of memory, and stays with its ending for as
// long as that is kept. What a method costs does not grow with the number of
// sessions, but for the processor's caches: Get takes a fifth of a microsecond
// among ten thousand sessions and one among a million. It waits for no sweep.
//
// # What stays compatible
//
// Nothing outlives the process, so there is no stored form to keep.
package memstore
