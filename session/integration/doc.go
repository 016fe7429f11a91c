// Package integration holds tests alone: it runs the stores of package session
// against real databases, through the drivers that hosts use. It is a module of
// its own so that nobody who imports a store gets those drivers.
//
// Servers are found by MOORING_POSTGRES_DSN, MOORING_MYSQL_DSN and
// MOORING_REDIS_ADDR, or at their usual ports on 127.0.0.1; PgBouncer is started
// from its binary. A test whose server is missing is skipped, or fails where
// MOORING_REQUIRE_SERVERS is 1: then the whole contract is checked behind PgBouncer,
// too. Tests use tables of their own and remove them.
//
// MOORING_SQL_CROWD is how many sessions the user has where tests are about users
// with many. The long version has more users, sessions and drivers, and the same
// assertions. From the root of the repository:
//
//	MOORING_LONG=1 go test ./session/integration
//	MOORING_SQL_CROWD=100000 go test -v -timeout 1h -run 'Many|Part|Backlog' ./session/integration
package integration
