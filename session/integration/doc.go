// Package integration holds tests alone: it runs the stores of package session
// against real databases, through the drivers that hosts use. It is a module of
// its own so that nobody who imports a store gets those drivers.
//
// Servers are found by MOORING_POSTGRES_DSN, MOORING_MYSQL_DSN and
// MOORING_REDIS_ADDR, or at their usual ports on 127.0.0.1. A test whose server
// is missing is skipped, or fails where MOORING_REQUIRE_SERVERS is 1. Tests use
// tables of their own and remove them.
package integration
