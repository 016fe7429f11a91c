// Package redisstore keeps sessions in Redis or Valkey, for applications of more
// than one process: every step is atomic, in a Cluster too, from all processes.
//
// Getting a session is one GET. Every other step is one script; Touch
// reads before, and Start ends a session of another user, where the new
// one replaces such a one, by a script of its own before. Scripts look at the
// sessions of one user only, and end 100 of them at the most: a call that has more
// to end runs several, and keeps others waiting for no longer than one of them
// takes, a millisecond or two. Keys expire by themselves, [Config.Grace] after the
// session's limit.
//
// # Servers and clients
//
// Redis from 7.0 and Valkey, as one server, under Sentinel or as a Cluster; the
// tests run on Redis 7.0, in all three ways. The client is what [redis.NewClient],
// [redis.NewFailoverClient], [redis.NewClusterClient] or [redis.NewUniversalClient]
// return. It must heed the context's deadline:
//
//	client := redis.NewUniversalClient(&redis.UniversalOptions{
//		Addrs: []string{"redis.example:6379"}, ContextTimeoutEnabled: true,
//	})
//
// The client of a Cluster must also look for new masters every five seconds or more
// often. Its default is a minute, and for so long the users of a master that died get
// errors, though the Cluster has replaced it. redis.NewUniversalClient cannot set the
// option:
//
//	client := redis.NewClusterClient(&redis.ClusterOptions{
//		Addrs: []string{"redis.example:6379"}, ContextTimeoutEnabled: true,
//		ClusterStateReloadInterval: 2 * time.Second,
//	})
//
// [New] refuses a client that is set up in another way, and one that reads from
// replicas or from a cache of its own, where a session that ended lives on for a
// while. It refuses a Ring, which drops a server that does not answer and goes on
// without what that one knew.
//
// All of a user's keys are in one slot, by a hash tag of 12 bits of the hash of
// the user's ID, which identifies nobody: [session.ID.Shard]. Scripts reach keys
// that they do not declare, always in that slot; Redis and Valkey allow that, some
// other servers of the protocol do not. While a slot moves from node to node, steps
// other than Get fail on its sessions with TRYAGAIN, with nothing done; the client
// tries again up to MaxRedirects times, so that the short move of one slot is not
// noticed.
//
// The server's clock is the clock: the [session.Manager] keeps time by Now,
// and Touch, Sweep and Lease judge by it, so that the clocks of processes may differ.
// The nodes of a Cluster, and a master and its replicas, need clocks that agree (NTP).
//
// # Settings of the server
//
//   - maxmemory-policy noeviction. Every other policy signs users out, and worse: an
//     index that was evicted hides the user's sessions from EndUser and from sign-ins
//     that end others. The store asks for the policy at first use and once a minute.
//     While it is another one, Start, List and Lease return [ErrServer], and so does
//     EndUser, after it has ended what it found; Get, Touch and End go on. A server
//     that is full refuses sign-ins; sessions are still read, touched and ended.
//   - appendonly yes. With appendfsync everysec a crash of the machine forgets up
//     to one second: sign-ins, which does no harm, and endings, so that a session
//     that was just ended can live again until its limit. With always it forgets
//     nothing that was answered, at the price of a disk write for each step.
//   - aof-load-truncated no, and redis-check-aof --fix where the server then does
//     not start. With yes, the default, Redis and older Valkey leave the beginning
//     of a step that a crash cut off in the file, and make it true at the start
//     after next: a sign-in or an ending that had failed. Scripts write in such an
//     order that this hides no live session from List and EndUser.
//   - min-replicas-to-write 1 and min-replicas-max-lag 2, say, where there are
//     replicas. Replication is asynchronous, under Sentinel and in a Cluster, and a
//     failover can lose the last steps, endings among them, however they were
//     answered. That holds for a failover that an operator asks for, too: SENTINEL
//     FAILOVER does not wait for the replica. Before a planned one, stop the writes
//     (CLIENT PAUSE 10000 WRITE) and let WAIT 1 5000 say that a replica has them all;
//     CLUSTER FAILOVER does this by itself. [Config.Replicas] has each ending wait until
//     replicas have it, which makes its loss less likely. The two settings bound what is lost when
//     a master is cut off from its replicas: it refuses writes then. Where an ending
//     must never be lost, use one server with appendfsync always, or package sqlstore.
//     docs/failover.md has how long each kind of failover takes.
//
// Replicas show sessions as live for a while that have ended. Steps that need a
// user's index return [ErrServer] on a replica; Get cannot see that it reads from one.
//
// # Backups
//
// A dump or an append-only file that is restored is of the past: sessions that were
// ended since are live again, until their limits. After a restore use another
// [Config.Prefix], or delete all keys of this one before the application starts. Either
// signs everybody out.
//
// # Rights
//
// The client's user needs these commands, on the keys of the prefix, and no others.
// The example is for the default prefix:
//
//	ACL SETUSER mooring on >password ~mooring:* +del +eval +evalsha +exists +get +getdel
//	  +getrange +hdel +hget +hset +incrby +info +pexpire +pttl +set +time +zadd +zcard
//	  +zcount +zdiff +zlexcount +zrange +zrem
//
// In a Cluster these come to them: +asking +cluster|slots +command.
//
// With [Config.Replicas] the user needs +wait.
//
// To tell of changes the user needs these, on the channels of the prefix (&mooring:*):
// +ping +publish +subscribe +unsubscribe, and in a Cluster +spublish +ssubscribe
// +sunsubscribe. A user without them can do everything else, and Watch says
// what it may not. All processes need them that end sessions, since what a user may
// not publish is not told.
//
// # Changes
//
// Each script publishes what it ends and what it restricts, in the same step, so that
// Watch of any process tells of it: a message of some 80 bytes, and for the
// server a microsecond or two, with or without a watcher. Processes of a release that
// did not publish tell nobody: watch only once all processes do.
//
// # Costs
//
// Get takes well under a microsecond of the process on top of the client's own
// GET, once the record was read before. For that the store remembers up to 8,192
// records, the latest of each part of all IDs: some 20 MB where as many sessions are
// in use.
//
// The server needs 1.9 kB for each session with a place. For a minute each Start, End
// and EndUser leaves a note of some 200 bytes, and of 46 more for each session that it
// ended. Start with [session.Replace.Max] reads the head of as many sessions as that
// says where the user has more. List reads all sessions of the user.
//
// With [session.Replace.PerTenant], Start reads the user's sessions of the kind, where they are
// 100 or fewer, and otherwise those of the tenant: 3 ms where the user has 20,000 in 200 tenants,
// and 190 ms without the index by which it does. The first such Start makes the index, in scripts
// that read 500 sessions each. From then on the server needs some 200 bytes more for each session
// of that user.
//
// Lease and Sweep ask 4096 keys whether there is anything to do, in 8 round trips:
// some milliseconds, so once in a second or less often is enough. Beyond that their
// cost grows with what they lease or forget, not with what there is.
//
// # Expiry
//
// A session without a [session.Session.TellExpiry] that reaches its limit expires in
// the server, Grace later, without a word. One that has it stays until Sweep ends it
// into the journal; if nobody sweeps, for seven days longer than TellExpiry and Grace.
// Then, as where an ending was not delivered until its Keep, it is counted in
// [session.Swept.Undelivered].
//
// # Failures
//
// An error names the operation and wraps what the client said; it has session
// IDs in it, never a token. Once the server answers again so does the store. A
// client that lost a reply sends the command again (MaxRetries): each script
// knows within a minute that it ran already, and answers as it did then. A record
// of another version or of no known form is [session.ErrRecord] to those that read
// it. Such a record can be ended all the same.
//
// # What stays compatible
//
// Records and endings have the form that package session keeps, and golden files hold
// the form of the values around them, so processes of one release and the next work on
// the same keys at the same time. Names and types of keys are for the store alone.
//
// A release that knows no index by tenant does not write it. Each Start that counts by it first
// compares how many sessions the index and the user have, so that it counts what such a release
// has started and what was there before. Only where that release has both started and ended
// equally many of the user's sessions since the last such Start, one that it started can be
// missed, until the session is touched, until another one is started or ended by that release
// alone, or until the ending is forgotten. That takes a user with more than 100 sessions and an
// upgrade, or a return to that release, under way.
//
// This module and the one of package session are released together: have the same
// version of both, as others may not compile. Package rueidisstore has the same sessions
// through rueidis, for hosts that Redis limits.
package redisstore
