// Package memstore keeps sessions in the memory of one process: the embedded
// default, with nothing to install and nothing to wait for.
//
// Sessions are gone when the process is, and other processes do not see them.
// A service with more than one process, or whose users should stay signed in
// over a restart, needs a store outside of it: session/sqlstore or
// session/redisstore.
//
// A session costs about 550 bytes of memory, and its ending about 150 more for
// as long as it is kept. Get and Touch cost the same however many sessions
// there are, and no method holds up the others for longer than the sessions of
// one user take.
package memstore
