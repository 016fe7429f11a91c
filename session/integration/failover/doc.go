// Package failover holds tests alone: a server that keeps sessions dies or is replaced,
// as under HAProxy, PgBouncer, Redis Sentinel and Redis Cluster, and a host goes on. The
// tests say what the host sees, for how long, and whether a session lives again that had
// ended. What they measure is in docs/failover.md.
//
// They start servers of their own from the installed binaries: PostgreSQL, mariadbd,
// redis-server, haproxy and pgbouncer. A test whose binary is missing is skipped, or
// fails where MOORING_REQUIRE_SERVERS is 1. From the root of the repository:
//
//	go test -v ./session/integration/failover
//
// The long version waits for the timeouts that servers have by default:
//
//	MOORING_LONG=1 go test -v -timeout 20m ./session/integration/failover
package failover
