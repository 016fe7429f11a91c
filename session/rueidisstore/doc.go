// Package rueidisstore keeps sessions in Redis or Valkey through rueidis, which takes less
// time than go-redis where many requests run at once: seven tenths for a GET of 16 at a time.
//
// It has the steps, scripts and keys of package redisstore. Processes with either
// package and one [Config] share the sessions of a server, so that a host can change from
// one to the other without a sign-out. What the documentation of redisstore says of the
// settings of the server, backups, replicas, expiry, changes and memory holds here too.
// A host of this package has no go-redis in its module graph.
//
//	client, err := rueidisstore.Dial(rueidis.ClientOption{InitAddress: []string{"redis.example:6379"}})
//	store, err := rueidisstore.New(client, rueidisstore.Config{})
//
// # Which of the two
//
// rueidis writes the commands of all requests to one connection to each server, and hands out
// the replies in order. That is what makes it fast: one system call serves many requests. It
// has its price when the connection hangs, as the next section says. With one or two requests
// at a time it is no faster than go-redis, so take redisstore unless Redis, or the processor
// time that goes to it, is what limits you.
//
// The option PipelineMultiplex, which rueidis sets by the number of processors, is -1 where it
// is 0: one connection took two thirds of the time of two, with 16 requests at a time, and
// with 64. MaxFlushDelay of 20 µs takes another fifth off there, and with two requests at a
// time makes each eight times as long; it stays 0.
//
// # Connections that hang
//
// Each call returns by the deadline of its context, and as soon as that is cancelled, however
// many others wait: this package sees to it, because rueidis alone does not where its queues
// are full or a connection is being made. [loginstage.Config.StoreTimeout] is that deadline
// for requests.
//
// A connection that hangs, with a server that is stopped or behind a firewall that forgot it,
// holds up all requests that share it, for three seconds at the most with the defaults. The
// client looks once in DefaultKeepAlive whether something came since it looked last; if nothing
// did, it sends a PING and waits for DefaultConnWriteTimeout. Then it replaces the connection,
// and sends again what waited on it: with a StoreTimeout of three seconds few requests
// fail, but all of them wait. With redisstore a connection that hangs holds up one request,
// which fails by its deadline, and others go on.
//
// A server that one command keeps busy for longer than DefaultConnWriteTimeout hangs, too, and
// loses its connections. Where that is normal for yours, set the option ConnWriteTimeout.
//
// # Commands that are sent again
//
// A command whose reply was lost is sent again, five times at the most and within 30 seconds,
// scripts too: each knows for a minute that it ran already, and answers as it did then. The
// option DisableRetry turns that off. A context without a deadline ends after 30 seconds, too,
// but for that of Get.
//
// # Servers and options
//
// One server, Sentinel ([rueidis.SentinelOption]) and Cluster, Redis from 7.0 and Valkey.
// [Dial] refuses options that read from replicas or wait for too long, and turns the
// client-side cache of rueidis off: package nearcache is one that never shows an ended session
// beyond its bound. The client is for stores alone, because a long command of others would hold
// up sessions: make another one for the rest of the host. With [Config.Replicas], steps that end
// sessions wait on connections of their own, for which the option BlockingPoolSize is the limit.
//
// # Rights
//
// The client's user needs the commands that package redisstore lists, on the same keys and
// channels, without +command. In a Cluster of Redis 8 and Valkey 8, +cluster|shards comes to
// them.
//
// # What stays compatible
//
// Keys and values are those of redisstore, which says what stays. Both packages and package
// session are released together: have the same version of all three. Which version of rueidis
// is needed may change with any release.
//
// [loginstage.Config.StoreTimeout]: https://pkg.go.dev/github.com/mooring-go/mooring/loginstage#Config
package rueidisstore
