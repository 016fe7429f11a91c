// Package nearcache keeps sessions that were read lately in the memory of the process,
// in front of any store that tells of changes ([session.Watcher]), so that most requests
// need no round trip. It is for hosts whose store is busy; without it each request sees
// what was true at its own time.
//
//	store, err := redisstore.New(client, redisstore.Config{})
//	cache, err := nearcache.New(store, nearcache.Config{MaxStale: time.Second})
//	login, err := loginstage.New(loginstage.Config{Store: cache})
//	go func() { errs <- login.Watch(ctx) }() // or cache.Watch
//
// Nothing is cached while no [Store.Watch] runs. Every process that uses the store must
// be of a release that tells of changes.
//
// # What it believes
//
// A session that it returns was live at most [Config.MaxStale] ago, whatever is lost:
//
//   - What a change has told of is dropped, and so is what this process changed itself
//     before the call that changed it returns.
//   - What was read before a change is not kept after it: a read that was on its way when
//     a change came is returned and not kept.
//   - Watch sends itself a message through the channel of the changes, four times in
//     MaxStale or more often. What was kept is believed for MaxStale from when the latest
//     one that came back was sent, by the monotonic clock and by the wall clock, whichever
//     says more: a cut that drops packets, a process that was stopped, a machine that slept
//     and a clock that is set make it ask the store. Changes sent before that message
//     have come before it.
//   - Where changes may have been missed, all is dropped.
//
// A session near one of its limits is always asked for, since a use that another process
// recorded may have moved the limit. LastSeen and IP are as of the read, up to a minute
// ago, if another process recorded them; which binding holds depends on neither.
//
// Attacker: with a stolen token, requests to a process that a change has not yet reached
// are admitted for MaxStale after the session was ended, at the most. As a rule it is the
// time that a message takes.
//
// # What it cannot mend
//
// What the store itself forgets: a failover of Redis that loses an ending shows the
// session as live to every reader.
//
// # What stays compatible
//
// The cache keeps nothing outside of the process. A change of a kind that a later release
// tells of is taken for one that makes the session be read again.
package nearcache
