// Package redisstore keeps sessions in Redis or Valkey, for applications of more
// than one process: every step is atomic, in a Cluster too, whichever process
// makes it.
//
// Getting a session is one GET. Every other step is one script; [Store.Touch]
// reads before, and [Store.Start] ends a session of another user, where the new
// one replaces such a one, by a script of its own before. Scripts look at the
// sessions of one user only. Keys expire by themselves, [Config.Grace] after the
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
// [New] refuses a client that does not, and one that reads from replicas or from
// a cache of its own, where a session that ended lives on for a while. It cannot
// see that the address is a replica's, or that a failover client has ReplicaOnly
// set: give it the master. A Ring is refused, for it drops a server that does not
// answer and goes on without what that one knew.
//
// All of a user's keys are in one slot, by a hash tag of 12 bits of the hash of
// the user's ID, which identifies nobody: [session.ID.Shard]. Scripts reach keys
// that they do not declare, always in that slot; Redis and Valkey allow that, some
// other servers of the protocol do not. While a slot moves from node to node,
// steps other than Get can fail on its sessions, with nothing done.
//
// # Settings of the server
//
//   - maxmemory-policy noeviction. Every other policy signs users out, and worse:
//     an index that was evicted hides the user's sessions from EndUser and from
//     sign-ins that end others. A server that is full refuses sign-ins; sessions
//     are still read, touched and ended.
//   - appendonly yes. With appendfsync everysec a crash of the machine forgets up
//     to one second: sign-ins, which does no harm, and endings, so that a session
//     that was just ended can live again until its limit. With always it forgets
//     nothing that was answered, at the price of a disk write for each step.
//   - aof-load-truncated no, and redis-check-aof --fix where the server then does
//     not start. With yes, the default, Redis and older Valkey leave the beginning
//     of a step that a crash cut off in the file, and make it true at the start
//     after next: a sign-in or an ending that had failed. Scripts write in such an
//     order that this hides no live session from List and EndUser.
//   - Replication is asynchronous, under Sentinel and in a Cluster. A failover can
//     lose the last steps, endings among them, however they were answered. Set
//     min-replicas-to-write and min-replicas-max-lag to bound for how long, and
//     where an ending must never be lost use one server with appendfsync always,
//     or package sqlstore.
//
// # Costs
//
// Get takes well under a microsecond of the process on top of the client's own
// GET, once the record was read before, and the server 1.5 to 1.7 kB for each
// session that has an anchor, by how many languages its places have names in. For
// a minute each Start, End and EndUser leaves a note of some 200 bytes. Lease asks
// 4096 keys whether there is anything to deliver, in 8 round trips: some
// milliseconds, so once in a second or less often is enough. Sweep reads the head
// of each session.
//
// # Failures
//
// An error names the operation and wraps what the client said; it has session
// IDs in it, never a token. Once the server answers again so does the store. A
// client that lost a reply sends the command again (MaxRetries): each script
// knows within a minute that it ran already, and answers as it did then. A record
// of another version or of no known form is [session.ErrRecord].
package redisstore
